import { expect } from 'chai';
import fc from 'fast-check';
import pg from 'pg';
import { arrayLiteral } from '../../src/db.js';
import { testServers } from '../support/servers.js';

describe('the text form of an array', () => {
  it('is read by Postgres as the very same elements, whatever they are', async () => {
    const client = new pg.Client({ connectionString: testServers().databaseUrl });
    await client.connect();
    const text = fc.string({ unit: 'grapheme' }).filter((one) => !one.includes('\0'));
    const nasty = fc.constantFrom('NULL', 'null', '', '{}', '"', '\\', ',', ' a ', "'", '\n');
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.oneof(text, nasty, fc.constant(null))), async (elements) => {
          const query = { text: 'select $1::text[] as read', values: [arrayLiteral(elements)] };
          const { rows } = await client.query<{ read: (string | null)[] }>(query);
          expect(rows[0]!.read).to.deep.equal(elements);
        }),
        { numRuns: 300 },
      );
      const numbers = {
        text: 'select $1::bigint[]::text as read',
        values: [arrayLiteral([1n, -5n])],
      };
      expect((await client.query<{ read: string }>(numbers)).rows[0]!.read).to.equal('{1,-5}');
    } finally {
      await client.end();
    }
  });
});
