import { expect } from 'chai';
import { expectProblem, startApi, type Api, type Call } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

const good = {
  symbol: 'AAPL',
  qty: '1',
  side: 'buy',
  type: 'limit',
  limit_price: '10',
  time_in_force: 'day',
};

describe('a bad request', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const place = (body: Call['body'], headers: Record<string, string> = {}) =>
    api.call('POST', '/v2/orders', {
      as: trading.accounts[0],
      headers,
      ...(body !== undefined && { body }),
    });

  it('is an exception: a good one is accepted', async () => {
    expect((await place(good)).status).to.equal(200);
  });

  it('is not what its content type says: JSON is read as JSON', async () => {
    const text = JSON.stringify(good);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'nonsense']) {
      expect((await place(text, { 'Content-Type': type })).status, type).to.equal(200);
    }
  });

  const nested = (depth: number): string => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);
  const latin1 = Buffer.from('{"symbol":"\xe9"}', 'latin1');

  const malformed: Record<string, string | Uint8Array> = {
    'broken JSON': '{"symbol":',
    'two values': '{}{}',
    'an array': '[]',
    'a string': '"AAPL"',
    null: 'null',
    'a number': '1',
    NaN: '{"qty":NaN}',
    XML: '<order/>',
    'what is not UTF-8': latin1,
    'nesting of nine levels': nested(9),
    'nesting of thousands of levels': nested(10_000),
    'arrays of thousands of levels': `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
  };
  for (const [name, body] of Object.entries(malformed)) {
    it(`with ${name} is refused as malformed`, async () => {
      expectProblem(await place(body), 400, 40010000);
    });
  }

  /** A good order's JSON with one more member in front. */
  const goodWith = (member: string): string => `{${member},${JSON.stringify(good).slice(1)}`;

  const invalid: Record<string, [body: Call['body'], detail: RegExp]> = {
    'no body': [undefined, /symbol is required/],
    'an unknown field': [{ ...good, colour: 'red' }, /colour is not allowed/],
    'a field in capitals': [{ ...good, Symbol: 'AAPL' }, /Symbol is not allowed/],
    'the name __proto__': [goodWith('"__proto__":{"qty":"2"}'), /__proto__ is not allowed/],
    'an escaped __proto__': [goodWith('"\\u005f_proto__":{"qty":"2"}'), /__proto__ is not allowed/],
    'the name constructor': [
      goodWith('"constructor":{"prototype":{}}'),
      /constructor is not allowed/,
    ],
    'a nested __proto__': [goodWith('"legs":[{"__proto__":{}}]'), /__proto__ is not allowed/],
    'a NUL in a text': [goodWith('"client_order_id":"a\\u0000"'), /NUL/],
    'a NUL in a name': [goodWith('"legs":{"a\\u0000":1}'), /NUL/],
    'half a surrogate pair': [goodWith('"client_order_id":"\\ud800"'), /surrogate/],
    'thousands of unknown fields': [
      { ...good, ...Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`f${n}`, 1])) },
      /f0 is not allowed \(and 4999 more\)/,
    ],
  };
  for (const [name, [body, detail]] of Object.entries(invalid)) {
    it(`with ${name} is refused as invalid`, async () => {
      const answer = await place(body);
      expectProblem(answer, 422, 42210000);
      expect(answer.body.detail).to.match(detail);
    });
  }

  it('may well be a good one with an escaped letter', async () => {
    const body = goodWith('"client_order_id":"caf\\u00e9 \\ud83d\\ude00"');
    const answer = await place(body);
    expect(answer.body.client_order_id).to.equal('caf\u00e9 \u{1f600}');
  });

  it('names every field that is wrong, and what is allowed', async () => {
    const { body } = await place({ ...good, side: 'long', qty: 'many', colour: 'red' });
    const fields = (body.errors as { field: string; message: string }[]).map(({ field }) => field);
    expect(fields).to.have.members(['side', 'qty', 'colour']);
    expect(body.detail).to.match(/and 2 more/);
    expect(JSON.stringify(body.errors)).to.match(/buy, sell/);
  });

  it('with more than 100 kB is refused, whether it says so beforehand or not', async () => {
    const big = `{"symbol":"${'A'.repeat(1_000_000)}"}`;
    expectProblem(await place(big), 413, 41310000);
    const chunk = 'A'.repeat(0x4000);
    const chunks = `4000\r\n${chunk}\r\n`.repeat(64);
    const { key_id, secret_key } = trading.accounts[0]!;
    const answer = await api.raw(
      'POST /v2/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n' +
        `APCA-API-KEY-ID: ${key_id}\r\nAPCA-API-SECRET-KEY: ${secret_key}\r\n\r\n${chunks}0\r\n\r\n`,
    );
    expect(answer)
      .to.match(/^HTTP\/1\.1 413 /)
      .and.to.include('41310000');
  });

  it('with a compressed body is refused', async () => {
    expectProblem(await place('x', { 'Content-Encoding': 'gzip' }), 415, 41510000);
  });

  it('with an unknown or repeated query parameter is refused', async () => {
    for (const query of [
      'x=1',
      'status=open&status=closed',
      'limit=501',
      'limit=-1',
      '__proto__=1',
    ]) {
      const answer = await api.call('GET', `/v2/orders?${query}`, { as: trading.accounts[0] });
      expectProblem(answer, 422, 42210000);
    }
  });

  it('with braces in a list, which mean something to our templates, is quoted as it is', async () => {
    for (const [path, name] of [
      ['/v2/account/activities', 'activity_types'],
      ['/v2/orders', 'asset_class'],
      ['/v2/corporate_actions/announcements', 'ca_types'],
    ] as const) {
      for (const text of ['{', '{#label}', '{{1 +}}']) {
        const query = `${name}=${encodeURIComponent(text)}&${name}=x`;
        const answer = await api.call('GET', `${path}?${query}`, { as: trading.accounts[0] });
        expectProblem(answer, 422, 42210000);
        const messages = JSON.stringify((answer.body as { errors: unknown }).errors).toLowerCase();
        expect(messages, path).to.include(`\\"${text}\\"`);
      }
    }
  });

  it('with a NUL in its path or query is no error of ours', async () => {
    const as = trading.accounts[0];
    expect((await api.call('GET', '/v2/positions/%00', { as })).status).to.be.within(400, 499);
    expect((await api.call('GET', '/v2/assets/A%00', { as })).status).to.be.within(400, 499);
    expect((await api.call('GET', '/v2/assets?exchange=%00', { as })).status).to.equal(422);
    expect((await api.call('GET', '/v2/assets/%zz', { as })).status).to.be.within(400, 499);
    expect((await api.call('GET', '/v2/orders/%zz', { as })).status).to.be.within(400, 499);
  });

  it('leaves nothing behind: nothing is held and nothing is written', async () => {
    const { knex } = trading.container.db;
    const before = await trading.cash(0);
    const [orders] = await knex('orders').count();
    const bad = Object.values(invalid).map(([body]) => body);
    for (const body of [...Object.values(malformed), ...bad]) await place(body);
    expect(await trading.cash(0)).to.deep.equal(before);
    expect(await knex('orders').count()).to.deep.equal([orders]);
  });
});
