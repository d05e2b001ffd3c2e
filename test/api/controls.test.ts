import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import { SETTLEMENT_GATE } from '../../src/risk/settlement-gate.js';
import { listChanges, presentChange } from '../../src/risk/control-changes.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

type Person = Awaited<ReturnType<typeof createPerson>>;

describe('controls over HTTP', () => {
  let trading: Trading;
  let api: Api;
  let ops: Person;

  before(async () => {
    trading = await startTrading(3);
    api = await startApi(trading);
    ops = await createPerson(trading, { role: 'ops', scopes: ['read', 'admin'] });
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const account = (index = 0) => trading.accounts[index]!.account_id;
  const call = (method: string, path: string, body?: object, headers = {}): Promise<Answer> =>
    api.call(method, `/v2/admin${path}`, { as: ops, headers, ...(body && { body }) });
  const blocks = (): Promise<Record<string, unknown>[]> =>
    trading.container.db.knex('trading_blocks').orderBy('id');
  const recorded = async (): Promise<Record<string, unknown>[]> =>
    (await listChanges(trading.container.db.knex, { limit: 500 }))
      .map((entry) => ({ ...presentChange(entry), actor: entry.actor }))
      .reverse();
  const why = { reason: 'a fat finger' };

  const controls = () => [
    { name: 'halt', path: '/halts/AAPL', set: 'POST', kind: 'halt', scope: 'asset' },
    { name: 'halt', path: '/halts/BTC/USD', set: 'POST', kind: 'halt', scope: 'asset' },
    { name: 'kill_switch', path: '/kill_switch', set: 'PUT', kind: 'kill', scope: 'global' },
    {
      name: 'kill_switch',
      path: `/accounts/${account()}/kill_switch`,
      set: 'PUT',
      kind: 'kill',
      scope: 'account',
    },
    {
      name: 'restriction',
      path: `/accounts/${account()}/restriction`,
      set: 'PUT',
      kind: 'restrict',
      scope: 'account',
    },
  ];

  it('are set and lifted, each with one record, however often they are asked for', async () => {
    for (const { name, path, set, kind, scope } of controls()) {
      const before = (await recorded()).length;
      const first = await call(set, path, why);
      expect(first.status, path).to.equal(200);
      expect(first.body).to.include({ active: true, reason: why.reason, created_by: ops.id });
      const again = await call(set, path, { reason: 'once more' });
      expect(again.body, 'the first reason stays').to.deep.equal(first.body);
      expect((await blocks()).map((row) => [row['kind'], row['scope']])).to.deep.equal([
        [kind, scope],
      ]);
      for (let twice = 0; twice < 2; twice++) {
        const lifted = await call('DELETE', path, { reason: 'all is well' });
        expect(lifted.status).to.equal(200);
        expect(lifted.body).to.include({ active: false, reason: null, created_at: null });
      }
      expect(await blocks()).to.deep.equal([]);
      const [on, off, ...others] = (await recorded()).slice(before);
      expect(others, path).to.deep.equal([]);
      expect(on).to.include({ action: `${name}.set`, actor_id: ops.id, reason: why.reason });
      expect(on).to.deep.include({ before: null });
      expect(on!['after']).to.include({ active: true, reason: why.reason });
      expect(off).to.include({ action: `${name}.lift`, reason: 'all is well' });
      expect(off!['before']).to.deep.equal(on!['after']);
      expect(off!['after']).to.equal(null);
    }
  });

  it('are one row when they are set many times at once', async () => {
    for (const { path, set } of controls()) {
      const answers = await Promise.all([1, 2, 3, 4, 5].map(() => call(set, path, why)));
      expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size, path).to.equal(1);
      await call('DELETE', path, why);
    }
    expect(await blocks()).to.deep.equal([]);
  });

  it('are told one by one and as lists', async () => {
    expect((await call('GET', '/halts/BTC%2FUSD')).body).to.include({
      symbol: 'BTC/USD',
      active: false,
    });
    await call('POST', '/halts/BTCUSD', why);
    await call('POST', '/halts/AAPL', why);
    expect((await call('GET', '/halts/BTC/USD')).body).to.include({ active: true, ...why });
    const page = (await call('GET', '/halts?limit=1')).body;
    expect(page.halts).to.have.length(1);
    const rest = (await call('GET', `/halts?limit=1&page_token=${page.next_page_token}`)).body;
    expect([page.halts[0].symbol, rest.halts[0].symbol]).to.deep.equal(['BTC/USD', 'AAPL']);

    await call('PUT', `/accounts/${account(1)}/kill_switch`, why);
    const kills = (await call('GET', '/kill_switch')).body;
    expect(kills.global).to.include({ active: false });
    expect(kills.accounts).to.have.length(1);
    expect(kills.accounts[0]).to.include({ account_id: account(1), active: true });
    await call('PUT', '/kill_switch', why);
    expect((await call('GET', '/kill_switch')).body.global).to.include({ active: true, ...why });
    const paths = [
      ...['/halts/AAPL', '/halts/BTCUSD', '/kill_switch'],
      `/accounts/${account(1)}/kill_switch`,
    ];
    for (const path of paths) await call('DELETE', `${path}?reason=over`);
    expect(await blocks()).to.deep.equal([]);
  });

  it('are refused without a good reason, and for what does not exist', async () => {
    for (const { path, set } of controls()) {
      for (const body of [
        {},
        { reason: '' },
        { reason: ' ' },
        { reason: 'x'.repeat(501) },
        { reason: 1 },
      ]) {
        expectProblem(await call(set, path, body), 422, 42210000);
        expectProblem(await call('DELETE', path, body), 422, 42210000);
      }
      expectProblem(await call('DELETE', path), 422, 42210000);
      expectProblem(await call('DELETE', `${path}?reason=${'x'.repeat(501)}`), 422, 42210000);
      expectProblem(await call(set, path, { ...why, until: 'noon' }), 422, 42210000);
    }
    const external = '00000000-0000-7000-8000-000000000003';
    for (const id of [uuidv7(), external]) {
      for (const control of ['kill_switch', 'restriction']) {
        expectProblem(await call('GET', `/accounts/${id}/${control}`), 404, 40410000);
        expectProblem(await call('PUT', `/accounts/${id}/${control}`, why), 404, 40410000);
      }
    }
    expectProblem(await call('PUT', '/accounts/me/kill_switch', why), 422, 42210000);
    for (const symbol of ['NOSUCH', 'USD', 'NO/SUCH']) {
      expectProblem(await call('POST', `/halts/${symbol}`, why), 404, 40410000);
    }
    expect(await blocks()).to.deep.equal([]);
  });

  it('answer a repeated key with the first answer, and with one record', async () => {
    const keyed = { 'Idempotency-Key': 'halt-1' };
    const before = (await recorded()).length;
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => call('POST', '/halts/MSFT', why, keyed)),
    );
    await call('DELETE', '/halts/MSFT', why);
    answers.push(await call('POST', '/halts/MSFT', why, keyed));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).to.equal(1);
    const replayed = answers.filter(({ headers }) => headers.get('idempotent-replayed'));
    expect(replayed).to.have.length(20);
    expect((await recorded()).length).to.equal(before + 2);
    expect(await blocks(), 'a replay does nothing').to.deep.equal([]);
    expectProblem(await call('POST', '/halts/AAPL', why, keyed), 422, 42210000);
  });

  it('answer only when no settlement is under way that has not seen them', async () => {
    const { knex } = trading.container.db;
    let ended = 0;
    for (const path of ['/kill_switch', '/halts/AAPL']) {
      const trx = await knex.transaction();
      await trx.raw('select pg_advisory_xact_lock_shared(?)', [SETTLEMENT_GATE]);
      const settlement = new Promise((resolve) => setTimeout(resolve, 300)).then(async () => {
        ended = performance.now();
        await trx.commit();
      });
      await call(path === '/kill_switch' ? 'PUT' : 'POST', path, why);
      expect(performance.now(), path).to.be.greaterThan(ended);
      expect(ended).to.be.greaterThan(0);
      await settlement;
      ended = 0;
      await call('DELETE', path, why);
    }
  });

  it('act and answer even when a settlement does not end', async () => {
    const trx = await trading.container.db.knex.transaction();
    await trx.raw('select pg_advisory_xact_lock_shared(?)', [SETTLEMENT_GATE]);
    const started = performance.now();
    expect((await call('PUT', '/kill_switch', why)).status).to.equal(200);
    expect(performance.now() - started).to.be.within(900, 3_000);
    await trx.rollback();
    await call('DELETE', '/kill_switch', why);
  });

  describe('are for staff', () => {
    const routes = () =>
      [
        ['GET', '/limits', undefined],
        ['GET', `/limits/${uuidv7()}`, undefined],
        ['PUT', '/limits', { collar_bps: 1, ...why }],
        ['DELETE', `/limits/${uuidv7()}`, why],
        ['GET', '/control_changes', undefined],
        ['GET', '/halts', undefined],
        ['GET', '/kill_switch', undefined],
        ...controls().flatMap(({ path, set }) => [
          ['GET', path, undefined],
          [set, path, why],
          ['DELETE', path, why],
        ]),
      ] as [string, string, object | undefined][];
    const ask = (as: Person | undefined, method: string, path: string, body?: object) =>
      api.call(method, `/v2/admin${path}`, { ...(as && { as }), ...(body && { body }) });

    it('and shut for clients, for keys without the scope, and for nobody', async () => {
      const client = await createPerson(trading, {
        accountId: account(),
        scopes: ['read', 'trade', 'admin'],
      });
      const reader = await createPerson(trading, { role: 'admin', scopes: ['read', 'trade'] });
      for (const [method, path, body] of routes()) {
        expectProblem(await ask(client, method, path, body), 403, 40310000);
        expectProblem(await ask(reader, method, path, body), 403, 40310000);
        expectProblem(await ask(undefined, method, path, body), 401, 40110000);
      }
      expect(await blocks()).to.deep.equal([]);
    });

    it('limits are changed by compliance and admins, and read by ops', async () => {
      for (const role of ['ops', 'compliance', 'admin'] as const) {
        const as = await createPerson(trading, { role, scopes: ['read', 'admin'] });
        for (const [method, path, body] of routes()) {
          const { status } = await ask(as, method, path, body);
          const changesLimits = path.startsWith('/limits') && method !== 'GET';
          const expected = changesLimits && role === 'ops' ? [403] : [200, 404];
          expect(status, `${role} ${method} ${path}`).to.be.oneOf(expected);
        }
      }
    });

    it('a role is enough for a person who has logged in', async () => {
      const password = 'correct horse battery staple';
      const { email } = await createPerson(trading, { role: 'compliance', password });
      const login = await api.call('POST', '/v2/sessions', { body: { email, password } });
      const Authorization = `Bearer ${login.body.access_token as string}`;
      const answer = await api.call('PUT', `/v2/admin/accounts/${account()}/restriction`, {
        headers: { Authorization },
        body: why,
      });
      expect(answer.status).to.equal(200);
    });
  });
});
