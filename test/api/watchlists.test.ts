import { expect } from 'chai';
import { watchlistSchema, watchlistsSchema } from '../../src/watchlists/schema.js';
import { SYMBOLS_MAX, WATCHLISTS_MAX } from '../../src/watchlists/service.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { expectShape } from '../support/shape.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('watchlists', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(3);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });
  beforeEach(async () => {
    await trading.container.db.knex('watchlists').delete();
  });

  const call = (method: string, path = '', body?: object, account = 0) =>
    api.call(method, `/v2/watchlists${path}`, {
      as: trading.accounts[account],
      ...(body && { body }),
    });
  const open = async (name: string, symbols: string[] = []): Promise<string> => {
    const { status, body } = await call('POST', '', { name, symbols });
    expect(status, JSON.stringify(body)).to.equal(200);
    return body.id as string;
  };
  const symbolsOf = ({ status, body }: Answer): string[] => {
    expect(status, JSON.stringify(body)).to.equal(200);
    expectShape(watchlistSchema, body);
    return (body.assets as { symbol: string }[]).map(({ symbol }) => symbol);
  };

  it('are opened with symbols, in their order, and read again', async () => {
    const opened = await call('POST', '', {
      name: 'tech',
      symbols: ['MSFT', 'AAPL', null, 'BTCUSD', 'MSFT'],
    });
    expect(symbolsOf(opened)).to.deep.equal(['MSFT', 'AAPL', 'BTC/USD']);
    expect(opened.body).to.include({
      name: 'tech',
      account_id: trading.accounts[0]!.account_id,
    });
    expect((await call('GET', `/${opened.body.id as string}`)).body).to.deep.equal(opened.body);
    expect((await call('GET', ':by_name?name=tech')).body).to.deep.equal(opened.body);
  });

  it('are listed without their assets, the oldest first', async () => {
    await open('b');
    await open('a', ['AAPL']);
    const { body } = await call('GET');
    expectShape(watchlistsSchema, body);
    expect((body as { name: string }[]).map(({ name }) => name)).to.deep.equal(['b', 'a']);
  });

  it('get and lose single symbols, also pairs with a slash', async () => {
    const path = `/${await open('one', ['AAPL', 'MSFT'])}`;
    expect(symbolsOf(await call('POST', path, { symbol: 'BTC/USD' }))).to.deep.equal([
      'AAPL',
      'MSFT',
      'BTC/USD',
    ]);
    expect(symbolsOf(await call('DELETE', `${path}/AAPL`))).to.deep.equal(['MSFT', 'BTC/USD']);
    expect(symbolsOf(await call('DELETE', `${path}/BTC%2FUSD`))).to.deep.equal(['MSFT']);
    await call('POST', path, { symbol: 'ETHUSD' });
    expect(symbolsOf(await call('DELETE', `${path}/ETH/USD`))).to.deep.equal(['MSFT']);
    expectProblem(await call('DELETE', `${path}/AAPL`), 404, 40410000);
    expectProblem(await call('DELETE', `${path}/NOPE`), 404, 40410000);
    expectProblem(await call('POST', path, { symbol: 'MSFT' }), 422, 42210000);
    expectProblem(await call('POST', path, { symbol: 'NOPE' }), 422, 42210000);
  });

  it('get another name, other symbols, or both', async () => {
    const id = await open('old', ['AAPL']);
    const renamed = await call('PUT', `/${id}`, { name: 'new' });
    expect(symbolsOf(renamed)).to.deep.equal(['AAPL']);
    expect(renamed.body).to.include({ id, name: 'new' });
    expect(symbolsOf(await call('PUT', `/${id}`, { symbols: ['KO', 'AAPL'] }))).to.deep.equal([
      'KO',
      'AAPL',
    ]);
    const both = await call('PUT', `/${id}`, { id, name: 'newer', symbols: [] });
    expect(symbolsOf(both)).to.deep.equal([]);
    expect(both.body.name).to.equal('newer');
    const other = trading.accounts[0]!.account_id;
    expectProblem(await call('PUT', `/${id}`, { id: other, name: 'x' }), 422, 42210000);
    expectProblem(await call('PUT', `/${id}`, {}), 422, 42210000);
  });

  it('keep what is sent without a value', async () => {
    const id = await open('kept', ['AAPL']);
    const listed = await call('PUT', `/${id}`, { name: '', symbols: ['MSFT'] });
    expect(listed.body).to.include({ name: 'kept' });
    expect(symbolsOf(listed)).to.deep.equal(['MSFT']);
    const renamed = await call('PUT', `/${id}`, { name: 'renamed', symbols: null });
    expect(symbolsOf(renamed)).to.deep.equal(['MSFT']);
    expectProblem(await call('PUT', `/${id}`, { name: '', symbols: null }), 422, 42210000);
    expect((await call('POST', '', { name: 'empty', symbols: null })).body.assets).to.deep.equal(
      [],
    );
  });

  it('can be named instead of their id in every operation', async () => {
    await open('my list', ['AAPL']);
    const path = ':by_name';
    const query = '?name=my%20list';
    expect(symbolsOf(await call('GET', path + query))).to.deep.equal(['AAPL']);
    await call('POST', path + query, { symbol: 'BTC/USD' });
    await call('POST', path + query, { symbol: 'ETH/USD' });
    expect(symbolsOf(await call('DELETE', `${path}/BTC%2FUSD${query}`))).to.deep.equal([
      'AAPL',
      'ETH/USD',
    ]);
    expect(symbolsOf(await call('DELETE', `${path}/ETH/USD${query}`))).to.deep.equal(['AAPL']);
    expect(symbolsOf(await call('PUT', path + query, { symbols: ['KO'] }))).to.deep.equal(['KO']);
    expect((await call('DELETE', path + query)).status).to.equal(204);
    for (const method of ['GET', 'DELETE']) {
      expectProblem(await call(method, path + query), 404, 40410000);
    }
    expectProblem(await call('GET', path), 422, 42210000);
  });

  it('are deleted for good', async () => {
    const id = await open('gone', ['AAPL']);
    const { status, body } = await call('DELETE', `/${id}`);
    expect({ status, body: body as unknown }).to.deep.equal({ status: 204, body: '' });
    expectProblem(await call('GET', `/${id}`), 404, 40410000);
    expectProblem(await call('DELETE', `/${id}`), 404, 40410000);
    await open('gone');
  });

  it('have a name of their own in the account, also when opened at the same time', async () => {
    const id = await open('mine');
    const refused = await call('POST', '', { name: 'mine' });
    expectProblem(refused, 422, 40010001);
    expect(refused.body.message).to.equal('watchlist name must be unique');
    await open('other');
    expectProblem(await call('PUT', ':by_name?name=other', { name: 'mine' }), 422, 40010001);
    expect((await call('PUT', `/${id}`, { name: 'mine' })).status).to.equal(200);
    expect((await call('POST', '', { name: 'mine' }, 1)).status).to.equal(200);
    const many = await Promise.all(
      Array.from({ length: 8 }, () => call('POST', '', { name: 'raced' })),
    );
    const statuses = many.map(({ status }) => status).sort();
    expect(statuses).to.deep.equal([200, ...Array<number>(7).fill(422)]);
  });

  it('change nothing when one of the symbols is unknown', async () => {
    const id = await open('safe', ['AAPL']);
    const answer = await call('PUT', `/${id}`, { name: 'x', symbols: ['MSFT', 'NOPE'] });
    expectProblem(answer, 422, 42210000);
    expect(answer.body.errors).to.deep.equal([
      { field: 'symbols', message: 'symbols has no assets: NOPE' },
    ]);
    expect((await call('GET', `/${id}`)).body).to.deep.include({ name: 'safe' });
    expectProblem(await call('POST', '', { name: 'bad', symbols: ['USD'] }), 422, 42210000);
    expect((await call('GET')).body).to.have.lengthOf(1);
  });

  it('have limits', async () => {
    const many = Array.from({ length: SYMBOLS_MAX + 1 }, () => 'AAPL');
    expectProblem(await call('POST', '', { name: 'x'.repeat(65) }), 422, 42210000);
    expectProblem(await call('POST', '', { name: '' }), 422, 42210000);
    expectProblem(await call('POST', '', { name: ' ' }), 422, 42210000);
    expectProblem(await call('POST', '', { symbols: [] }), 422, 42210000);
    expectProblem(await call('POST', '', { name: 'x', symbols: many }), 422, 42210000);
    expect((await call('POST', '', { name: 'x'.repeat(64) })).status).to.equal(200);
    const { account_id: accountId } = trading.accounts[2]!;
    await trading.container.db.knex.raw(
      `insert into watchlists (id, account_id, name, created_at, updated_at)
       select gen_random_uuid(), ?, n::text, now(), now() from generate_series(1, ?) n`,
      [accountId, WATCHLISTS_MAX],
    );
    const full = await call('POST', '', { name: 'one more' }, 2);
    expectProblem(full, 422, 42210000);
    expect((await call('GET', '', undefined, 2)).body).to.have.lengthOf(WATCHLISTS_MAX);
  });

  it("of another client look like missing ones, and a reader's key changes none", async () => {
    const id = await open('secret', ['AAPL']);
    const attempts: [string, string, object?][] = [
      ['GET', `/${id}`],
      ['PUT', `/${id}`, { name: 'taken' }],
      ['POST', `/${id}`, { symbol: 'KO' }],
      ['DELETE', `/${id}`],
      ['DELETE', `/${id}/AAPL`],
      ['GET', ':by_name?name=secret'],
    ];
    for (const [method, path, body] of attempts) {
      expectProblem(await call(method, path, body, 1), 404, 40410000);
    }
    const reader = await createPerson(trading, {
      accountId: trading.accounts[0]!.account_id,
      scopes: ['read'],
    });
    const attempt = { as: reader, body: { name: 'x' } };
    expectProblem(await api.call('POST', '/v2/watchlists', attempt), 403, 40310000);
    expectProblem(await api.call('DELETE', `/v2/watchlists/${id}`, { as: reader }), 403, 40310000);
    expect((await api.call('GET', `/v2/watchlists/${id}`, { as: reader })).status).to.equal(200);
    expectProblem(await call('GET', '/not-an-id'), 422, 42210000);
  });
});
