import { expect } from 'chai';
import knexFactory from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { decide } from '../support/approvals.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('limits over HTTP', () => {
  let trading: Trading;
  let api: Api;
  let officer: Awaited<ReturnType<typeof createPerson>>;
  let second: Awaited<ReturnType<typeof createPerson>>;

  before(async () => {
    trading = await startTrading(2);
    api = await startApi(trading);
    officer = await createPerson(trading, { role: 'compliance', scopes: ['read', 'admin'] });
    second = await createPerson(trading, { role: 'admin', scopes: ['read', 'admin'] });
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });
  beforeEach(() => trading.container.db.knex('risk_limits').delete());

  const account = () => trading.accounts[0]!.account_id;
  const put = (body: object, headers = {}): Promise<Answer> =>
    api.call('PUT', '/v2/admin/limits', {
      as: officer,
      body: { reason: 'a test', ...body },
      headers,
    });
  const get = (query = ''): Promise<Answer> =>
    api.call('GET', `/v2/admin/limits${query}`, { as: officer });
  /** What a second person lets pass. */
  const approve = async (waiting: Answer) => {
    expect(waiting.status).to.equal(202);
    const { body } = await decide(api, second, waiting);
    expect(body).to.include({ status: 'approved', failure: null });
    return body.result as Record<string, unknown>;
  };
  const changes = async (query = ''): Promise<Record<string, unknown>[]> =>
    (await api.call('GET', `/v2/admin/control_changes?${query}`, { as: officer })).body
      .control_changes;

  it('are set for an account, an asset and the house, decimals as text', async () => {
    const set = await put({
      account_id: account(),
      max_order_qty: '10.5',
      max_order_notional: 1000,
      collar_bps: 250,
      max_open_exposure: '5000.25',
      duplicate_window_ms: 0,
      max_orders_per_second: 50,
    });
    expect(set.status).to.equal(200);
    expect(set.headers.get('etag')).to.equal('"1"');
    expect(set.body).to.include({
      account_id: account(),
      asset_id: null,
      symbol: null,
      max_order_qty: '10.5',
      max_order_notional: '1000',
      collar_bps: 250,
      max_open_exposure: '5000.25',
      duplicate_window_ms: 0,
      max_orders_per_second: 50,
      version: 1,
      updated_by: officer.id,
    });
    expect((await put({ symbol: 'BTCUSD', collar_bps: 1 })).body).to.include({ symbol: 'BTC/USD' });
    expect((await put({ collar_bps: 2 })).body).to.include({ account_id: null, asset_id: null });
    expect((await get(`/${set.body.id as string}`)).body).to.deep.equal(set.body);
    expectProblem(await get(`/${uuidv7()}`), 404, 40410000);
  });

  it('are replaced as a whole, with a new version, and act on orders', async () => {
    await put({ account_id: account(), collar_bps: 100, max_order_qty: '1' });
    const again = await approve(await put({ account_id: account(), max_order_qty: '2' }));
    expect(again).to.include({ collar_bps: null, max_order_qty: '2', version: 2 });
    await trading.container.limits.refresh();
    const { maxQty } = trading.container.limits.for(account(), uuidv7());
    expect(maxQty).to.equal(2_000_000_000n);
  });

  it('are changed only from the version that If-Match names', async () => {
    const limits = { account_id: account(), collar_bps: 100 };
    const early = await put(limits, { 'If-Match': '"1"' });
    expectProblem(early, 409, 40910001);
    expect(early.body.version).to.equal(null);
    await put(limits);
    expect((await put({ ...limits, collar_bps: 90 }, { 'If-Match': '"1"' })).status).to.equal(200);
    for (const collar_bps of [80, 300]) {
      const late = await put({ ...limits, collar_bps }, { 'If-Match': '"1"' });
      expectProblem(late, 409, 40910001);
      expect(late.body.version).to.equal(2);
    }
    expectProblem(await put(limits, { 'If-Match': 'newest' }), 422, 42210000);
  });

  it('stay one row when they are set many times at once', async () => {
    const answers = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((bps) => put({ symbol: 'AAPL', collar_bps: bps })),
    );
    const set = answers.filter(({ status }) => status === 200);
    const versions = set.map(({ body }) => body.version as number).sort();
    expect(versions).to.deep.equal(set.map((_, index) => index + 1));
    const waiting = answers.filter(({ status }) => status === 202); // they came after a lower one
    expect(set.length + waiting.length).to.equal(6);
    const { limits } = (await get()).body;
    expect(limits).to.have.length(1);
    expect(limits[0]).to.include({ collar_bps: 1, version: set.length });
  });

  it('are listed by page and by what they are about', async () => {
    await put({ collar_bps: 3 });
    await put({ account_id: account(), collar_bps: 2 });
    await put({ symbol: 'AAPL', collar_bps: 1 });
    const bps = async (query: string) =>
      ((await get(query)).body.limits as { collar_bps: number }[]).map((one) => one.collar_bps);
    expect(await bps('?scope=house')).to.deep.equal([3]);
    expect(await bps('?scope=account')).to.deep.equal([2]);
    expect(await bps('?scope=asset')).to.deep.equal([1]);
    expect(await bps(`?account_id=${account()}`)).to.deep.equal([2]);
    expect(await bps('?symbol=AAPL')).to.deep.equal([1]);
    expect(await bps('?symbol=MSFT')).to.deep.equal([]);
    const { body } = await get('?limit=2');
    expect(body.limits).to.have.length(2);
    expect(await bps(`?limit=2&page_token=${body.next_page_token as string}`)).to.deep.equal([1]);
    expect((await get()).body.next_page_token).to.equal(null);
    for (const bad of ['?limit=501', '?symbol=NOSUCH', '?account_id=1', '?page_token=x', '?x=1']) {
      expectProblem(await get(bad), 422, 42210000);
    }
  });

  it('are deleted with a reason, in the body or in the query', async () => {
    const remove = async (query: string, body?: object) => {
      const { id } = (await put({ collar_bps: 1 })).body as { id: string };
      return api.call('DELETE', `/v2/admin/limits/${id}${query}`, {
        as: officer,
        ...(body && { body }),
      });
    };
    expectProblem(await remove(''), 422, 42210000);
    for (const again of [() => remove('?reason=over'), () => remove('', { reason: 'over' })]) {
      const waiting = await again();
      expect(waiting.body).to.include({ kind: 'limits.delete', reason: 'over' });
      expect((await get()).body.limits).to.have.length(1);
      expect(await approve(waiting)).to.equal(null);
      expect((await get()).body.limits).to.deep.equal([]);
    }
    const gone = await api.call('DELETE', `/v2/admin/limits/${uuidv7()}?reason=x`, { as: officer });
    expectProblem(gone, 404, 40410000);
  });

  it('leave a record of each change: who, what, from what to what, why, from where', async () => {
    const first = await put({ symbol: 'MSFT', collar_bps: 10 }, { 'X-Request-ID': 'mine-1' });
    await put({ symbol: 'MSFT', collar_bps: 10 }); // changes nothing
    const wider = await approve(await put({ symbol: 'MSFT', collar_bps: 20, reason: 'wider' }));
    const [newest, oldest, ...others] = await changes('symbol=MSFT');
    expect(others).to.deep.equal([]);
    expect(newest).to.deep.include({
      actor_id: second.id,
      reason: 'wider',
      before: first.body,
      after: wider,
    });
    expect(oldest).to.deep.include({
      actor_id: officer.id,
      action: 'limits.set',
      target: { account_id: null, asset_id: first.body.asset_id, symbol: 'MSFT' },
      before: null,
      after: first.body,
      reason: 'a test',
      request_id: 'mine-1',
    });
    expect(oldest!['ip']).to.match(/127\.0\.0\.1$/);
  });

  it('that get looser wait for a second person, those that only tighten do not', async () => {
    const limits = { account_id: account(), max_order_qty: '10', collar_bps: 100 };
    expect((await put(limits)).status).to.equal(200);
    expect((await put({ ...limits, max_order_qty: '9', collar_bps: 90 })).status).to.equal(200);
    const waiting = await put({ ...limits, max_order_qty: '1', collar_bps: 91 });
    expect(waiting.status).to.equal(202);
    expect(waiting.headers.get('location')).to.equal(`/v2/admin/approvals/${waiting.body.id}`);
    expect(waiting.body).to.include({
      kind: 'limits.set',
      status: 'pending',
      requested_by: officer.id,
      summary: `Set the limits of account ${account()}, looser in collar_bps`,
    });
    expect((await get()).body.limits[0]).to.include({ max_order_qty: '9', version: 2 });
    expect(await approve(waiting)).to.include({ max_order_qty: '1', collar_bps: 91, version: 3 });
  });

  it("of one account that are wider than the house's wait, too: they come instead", async () => {
    expect((await put({ max_order_qty: '50' })).status).to.equal(200);
    expect((await put({ account_id: account(), max_order_qty: '51' })).status).to.equal(202);
    expect((await put({ symbol: 'AAPL', max_order_qty: '50' })).status).to.equal(200);
    expect((await put({ account_id: account(), collar_bps: 5_001 })).status).to.equal(202);
    expect((await put({ max_order_qty: '50', collar_bps: 5_001 })).status).to.equal(202);
  });

  it('are not loosened when they have changed since somebody asked to', async () => {
    const limits = { account_id: account(), collar_bps: 100 };
    const first = await put({ ...limits, collar_bps: 5_001 });
    await put(limits);
    const [wider, removal] = [
      await put({ ...limits, collar_bps: 200 }),
      await api.call('DELETE', `/v2/admin/limits/${(await get()).body.limits[0].id}?reason=x`, {
        as: officer,
      }),
    ];
    await put({ ...limits, collar_bps: 50 }); // the emergency that nobody must undo by accident
    for (const waiting of [first, wider, removal]) {
      const { status, body } = await decide(api, second, waiting);
      expect(status).to.equal(200);
      expect(body).to.include({ status: 'failed', result: null });
      expect(body.failure).to.include('they are at version 2');
    }
    expect((await get()).body.limits[0]).to.include({ collar_bps: 50, version: 2 });
  });

  it('leave nothing behind when they are refused', async () => {
    const count = () => trading.container.db.knex('audit_entries').count().first();
    const before = await count();
    const bad: [string, object][] = [
      ['reason', { collar_bps: 1, reason: '' }],
      ['reason', { collar_bps: 1, reason: 'x'.repeat(501) }],
      ['account_id', { account_id: uuidv7(), collar_bps: 1 }],
      ['account_id', { account_id: 'all', collar_bps: 1 }],
      ['symbol', { symbol: 'NOSUCH', collar_bps: 1 }],
      ['symbol', { symbol: 'AAPL', account_id: account(), collar_bps: 1 }],
      ['max_order_qty', { max_order_qty: '0' }],
      ['max_order_qty', { max_order_qty: '1e3' }],
      ['max_order_notional', { max_order_notional: '-1' }],
      ['max_open_exposure', { max_open_exposure: '0.00001' }],
      ['collar_bps', { collar_bps: 0 }],
      ['collar_bps', { collar_bps: 1.5 }],
      ['duplicate_window_ms', { duplicate_window_ms: 60_001 }],
      ['max_orders_per_second', { max_orders_per_second: -1 }],
      ['max_order_qty', {}],
      ['max_qty', { max_qty: '1' }],
    ];
    for (const [field, body] of bad) {
      const answer = await put(body);
      expectProblem(answer, 422, 42210000);
      expect(answer.body.detail, JSON.stringify(body)).to.include(field);
    }
    expect((await get()).body.limits).to.deep.equal([]);
    expect(await count()).to.deep.equal(before);
  });

  it('are not changed when the change cannot be recorded', async () => {
    await put({ collar_bps: 2 });
    const owner = knexFactory({
      client: 'pg',
      connection: trading.container.config.databaseUrl,
    });
    try {
      await owner.raw('revoke insert on audit_entries from brokerx_app');
      expect((await put({ collar_bps: 1 })).status).to.equal(500);
      expect((await get()).body.limits[0]).to.include({ collar_bps: 2, version: 1 });
    } finally {
      await owner.raw('grant insert on audit_entries to brokerx_app');
      await owner.destroy();
    }
  });
});

describe('the record of changes', () => {
  it('is read by page and filter, and cannot be rewritten', async () => {
    const trading = await startTrading(1);
    const api = await startApi(trading);
    try {
      const as = await createPerson(trading, { role: 'admin', scopes: ['read', 'admin'] });
      for (const collar_bps of [1, 2, 3]) {
        const body = { reason: `no ${collar_bps}`, collar_bps: 10 - collar_bps };
        await api.call('PUT', '/v2/admin/limits', { as, body });
      }
      const read = async (query: string) =>
        (await api.call('GET', `/v2/admin/control_changes?${query}`, { as })).body;
      const page = await read('limit=2');
      const reasons = (one: { control_changes: { reason: string }[] }) =>
        one.control_changes.map(({ reason }) => reason);
      expect(reasons(page)).to.deep.equal(['no 3', 'no 2']);
      const rest = await read(`limit=2&page_token=${page.next_page_token}`);
      expect(reasons(rest)).to.deep.equal(['no 1']);
      expect(rest.next_page_token).to.equal(null);
      const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
      for (const [query, found] of [
        [`actor_id=${as.id}`, 3],
        [`actor_id=${uuidv7()}`, 0],
        ['action=limits.set', 3],
        ['action=limits.delete', 0],
        [`account_id=${trading.accounts[0]!.account_id}`, 0],
        [`after=${tomorrow}`, 0],
        [`until=${tomorrow}`, 3],
      ] as const) {
        expect((await read(query)).control_changes, query).to.have.length(found);
      }
      const bad = await api.call('GET', '/v2/admin/control_changes?action=edit', { as });
      expectProblem(bad, 422, 42210000);
      const rewrite = trading.container.db.knex('audit_entries').update({ content: '{}' });
      expect(await rewrite.then(String, String)).to.match(/append-only|permission denied/);
    } finally {
      await api.stop();
      await trading.stop();
    }
  });
});
