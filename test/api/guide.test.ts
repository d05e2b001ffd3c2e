import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { operations } from '../../src/app.js';
import { Client } from '../../src/identity/model.js';
import { createPerson, startApi, type Answer, type Api } from '../support/api.js';
import { readGuide, type GuideCall, type GuideSection } from '../support/guide.js';
import { startTrading, type Trading } from '../support/trading.js';

const GUIDE = new URL('../../docs/api.md', import.meta.url);
const PASSWORD = 'correct horse battery staple';
const EMAIL = 'alice@demo.brokerx.example';

/** `/v2/orders/:id` as the guide writes it. */
const documented = (path: string): string =>
  path.replaceAll(/(?<!\\):(\w+)/g, '{$1}').replaceAll('\\:', ':');

const credentials = ({ key_id: id, secret_key: secret }: { key_id: string; secret_key: string }) =>
  `APCA-API-KEY-ID: ${id}\nAPCA-API-SECRET-KEY: ${secret}`;

describe('the API guide', () => {
  let trading: Trading;
  let api: Api;
  let sections: GuideSection[];
  let variables: Record<string, string>;

  before(async () => {
    trading = await startTrading(2);
    api = await startApi(trading);
    const [mine] = trading.accounts;
    const admin = await createPerson(trading, { role: 'admin', scopes: ['read', 'admin'] });
    const { id } = await createPerson(trading, { password: PASSWORD });
    await Client.query(trading.container.db.knex).findById(id).patch({ email: EMAIL });
    const order = await trading.place({ account: 0, side: 'buy', qty: '1', price: '100' });
    await trading.settle();
    const limits = await api.call('PUT', '/v2/admin/limits', {
      as: admin,
      body: { symbol: 'AAPL', collar_bps: 1_000, reason: 'test' },
    });
    variables = {
      URL: api.url,
      AUTH: credentials(mine!),
      STAFF: credentials(admin),
      PASSWORD,
      ORDER_ID: order.id,
      CLIENT_ORDER_ID: order.clientOrderId,
      ACCOUNT_ID: mine!.account_id,
      LIMITS_ID: limits.body.id as string,
    };
    sections = readGuide(await readFile(GUIDE, 'utf8'), variables);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const run = ({ method, url, headers, body }: GuideCall): Promise<Answer> =>
    api.call(method, url.slice(api.url.length), { headers, ...(body !== undefined && { body }) });

  it('shows every operation, and none that does not exist', () => {
    const shown = sections.flatMap((section) => section.operations);
    const known = operations.map(
      ({ method, path }) => `${method.toUpperCase()} ${documented(path)}`,
    );
    expect(shown).to.have.members(known);
  });

  it('has a call for each operation that it names, in its order', () => {
    for (const { operations: named, calls } of sections) {
      const methods = calls.map(({ method }) => method);
      expect(methods, named.join()).to.have.members(named.map((name) => name.split(' ')[0]!));
    }
  });

  it('has calls that work, and answers like the real ones', async () => {
    for (const { operations: named, calls, answer } of sections) {
      let last: Answer | undefined;
      for (const call of calls) {
        last = await run(call);
        const said = JSON.stringify(last.body).slice(0, 300);
        expect(last.status, `${call.method} ${call.url}: ${said}`).to.be.within(200, 299);
      }
      if (answer !== undefined) expectLike(last?.body, answer, named.join());
    }
  });
});

/** Everything that is shown is there and of the same type; what may be null may differ in that. */
function expectLike(actual: unknown, shown: unknown, where: string): void {
  if (actual === null || shown === null) return;
  expect(typeof actual, where).to.equal(typeof shown);
  if (typeof shown !== 'object') return;
  if (Array.isArray(shown)) {
    expect(Array.isArray(actual), where).to.equal(true);
    const [first, like] = [(actual as unknown[])[0], (shown as unknown[])[0]];
    if (first !== undefined && like !== undefined) expectLike(first, like, `${where}[0]`);
    return;
  }
  for (const [name, value] of Object.entries(shown)) {
    expect(actual, where).to.have.property(name);
    expectLike((actual as Record<string, unknown>)[name], value, `${where}.${name}`);
  }
}
