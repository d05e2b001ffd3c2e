import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect } from 'chai';
import { ADVISORY_LOCKS } from '../../src/advisory-locks.js';
import { connectDatabase, explainOutage, isConnectionLost } from '../../src/db.js';
import { DomainError } from '../../src/errors.js';

describe('the database', () => {
  it('counts as away when its server takes connections and never speaks', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const db = connectDatabase(`postgres://nobody@127.0.0.1:${port}/none`, 'test', 1);
    try {
      const select = { name: 'test-select', text: 'select 1' };
      for (const ask of [() => db.run(select, []), () => db.knex.raw('select 1')]) {
        const error: unknown = await Promise.resolve(ask()).then(
          () => null,
          (failure: unknown) => failure,
        );
        expect(isConnectionLost(error), String(error)).to.equal(true);
        expect(explainOutage(error)).to.be.instanceOf(DomainError);
      }
    } finally {
      await db.close();
      server.close();
    }
  });

  it('has a number of its own for each advisory lock', () => {
    const numbers = Object.values(ADVISORY_LOCKS);
    expect(new Set(numbers).size).to.equal(numbers.length);
  });
});
