import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import { listEntries } from '../../src/audit/entries.js';
import { surveil } from '../../src/surveillance/surveil.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { giveToOneClient, tradeWithEachOther } from '../support/linked-people.js';
import { startTrading, type Trading } from '../support/trading.js';

type Person = Awaited<ReturnType<typeof createPerson>>;

describe('cases over HTTP', () => {
  let trading: Trading;
  let api: Api;
  let officer: Person;
  let ops: Person;

  before(async () => {
    trading = await startTrading(4);
    api = await startApi(trading);
    const scopes: ('read' | 'admin')[] = ['read', 'admin'];
    officer = await createPerson(trading, { role: 'compliance', scopes });
    ops = await createPerson(trading, { role: 'ops', scopes });
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const knex = () => trading.container.db.knex;
  const account = (index = 0) => trading.accounts[index]!.account_id;
  const call = (
    method: string,
    path = '',
    body?: object,
    { as = officer, headers = {} }: { as?: Person; headers?: Record<string, string> } = {},
  ): Promise<Answer> =>
    api.call(method, `/v2/admin/cases${path}`, { as, headers, ...(body && { body }) });
  let opened = 0;
  /** A case by hand about an account; each about something else. */
  const open = async (more: object = {}): Promise<Record<string, unknown> & { id: string }> => {
    const kinds = ['wash_trade', 'layering', 'message_burst', 'concentration', 'other'];
    const [kind, index] = [kinds[opened % 5], Math.floor(opened / 5)];
    opened += 1;
    const symbol = ['AAPL', 'MSFT', 'NVDA'][index % 3];
    const { status, body } = await call('POST', '', {
      ...{ kind, account_ids: [account(3)], symbol, summary: 'a tip-off', ...more },
    });
    expect(status, JSON.stringify(body)).to.equal(201);
    return body;
  };
  const history = async (id: string): Promise<Record<string, unknown>[]> =>
    (await call('GET', `/${id}/history`)).body.history;

  it('show what surveillance found, with pages of its evidence', async () => {
    await giveToOneClient(trading, 0, 1);
    for (let times = 0; times < 3; times += 1) await tradeWithEachOther(trading, 0, 1);
    const { log, config } = trading.container;
    const deps = { knex: knex(), log, thresholds: config.surveillance };
    await surveil(deps, new Date(Date.now() + 3 * 60_000));
    const { body } = await call('GET', `?account_id=${account(1)}`, undefined, { as: ops });
    const [one, ...others] = body.cases;
    expect(others).to.deep.equal([]);
    expect(one).to.include({ kind: 'wash_trade', status: 'open', symbol: 'AAPL', opened_by: null });
    expect(one.account_ids).to.have.members([account(0), account(1)]);
    const seen: string[] = [];
    let token: string | null = '';
    while (token !== null) {
      const page: Answer = await call(
        'GET',
        `/${one.id}?limit=2${token && `&page_token=${token}`}`,
      );
      expect(page.headers.get('etag')).to.equal(`"${one.version as number}"`);
      seen.push(...(page.body.evidence as { subject_id: string }[]).map((each) => each.subject_id));
      token = page.body.next_page_token;
    }
    expect(seen).to.have.members(await knex()('executions').pluck('id'));
    expect((await history(one.id))[0]).to.include({ action: 'opened', actor_id: null });
  });

  it('are opened by hand, once for the same subject and key', async () => {
    const body = { kind: 'other', account_ids: [account(2), account(0)], summary: 'a tip-off' };
    const headers = { 'Idempotency-Key': 'open-a-case' };
    const first = await call('POST', '', body, { headers });
    expect(first.status).to.equal(201);
    expect(first.headers.get('etag')).to.equal('"1"');
    expect(first.body).to.include({ kind: 'other', opened_by: officer.id, findings: 0, score: 50 });
    expect(first.body.account_ids).to.deep.equal([account(0), account(2)].sort());
    const replayed = await call('POST', '', body, { headers });
    expect(replayed.body).to.deep.equal(first.body);
    const again = await call('POST', '', { ...body, account_ids: [account(0), account(2)] });
    expectProblem(again, 409, 40910002);
    expect(again.body.case_id).to.equal(first.body.id);
    expect((await history(first.body.id)).map(({ note }) => note)).to.deep.equal(['a tip-off']);
  });

  it('name accounts, assets and officers that exist', async () => {
    const body = { account_ids: [account(2)], summary: 'x' };
    const wrong = [
      { account_ids: [uuidv7()] },
      { account_ids: [] },
      { symbol: 'NOPE' },
      { assigned_to: ops.id },
      { summary: ' ' },
      { kind: 'insider' },
      { status: 'closed' },
    ];
    for (const more of wrong) {
      expectProblem(await call('POST', '', { ...body, ...more }), 422, 42210000);
    }
  });

  it('are listed by kind, status, account, asset and time, the last first, in pages', async () => {
    const before = new Date().toISOString();
    const [a, b] = [await open({ symbol: 'KO' }), await open({ symbol: 'KO' })];
    const ids = async (query: string): Promise<string[]> =>
      ((await call('GET', query)).body.cases as { id: string }[]).map(({ id }) => id);
    expect(await ids('?symbol=KO')).to.deep.equal([b.id, a.id]);
    expect(await ids(`?after=${before}`)).to.deep.equal([b.id, a.id]);
    expect(await ids(`?until=${before}&symbol=KO`)).to.deep.equal([]);
    expect(await ids(`?kind=${a['kind'] as string}&symbol=KO`)).to.deep.equal([a.id]);
    expect(await ids(`?status=closed`)).to.deep.equal([]);
    expect(await ids(`?account_id=${account(3)}&symbol=KO`)).to.deep.equal([b.id, a.id]);
    expect(await ids(`?account_id=${account(2)}&symbol=KO`)).to.deep.equal([]);
    const page = await call('GET', '?symbol=KO&limit=1');
    expect(page.body.next_page_token).to.equal(b.id);
    expect(await ids(`?symbol=KO&limit=1&page_token=${b.id}`)).to.deep.equal([a.id]);
    expectProblem(await call('GET', '?symbol=NOPE'), 422, 42210000);
  });

  it('are assigned, escalated and closed, each with its reason on record', async () => {
    const { id } = await open();
    const change = async (body: object): Promise<Record<string, unknown>> => {
      const answer = await call('PATCH', `/${id}`, body);
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      return answer.body;
    };
    await change({ status: 'under_review', assigned_to: officer.id, reason: 'mine' });
    const escalated = await change({ status: 'escalated', reason: 'twice this week' });
    expect(escalated).to.include({ status: 'escalated', assigned_to: officer.id, version: 3 });
    const closed = await change({ status: 'closed', resolution: 'reported', reason: 'STR sent' });
    expect(closed).to.include({ status: 'closed', resolution: 'reported' });
    expect(closed['closed_at']).to.be.a('string');
    const reopened = await change({ status: 'under_review', reason: 'new facts' });
    expect(reopened).to.include({ resolution: null, closed_at: null, version: 5 });
    const events = await history(id);
    expect(events.slice(1).map(({ note }) => note)).to.deep.equal([
      'mine',
      'twice this week',
      'STR sent',
      'new facts',
    ]);
    expect(events[3]).to.deep.include({ action: 'changed', actor_id: officer.id });
    expect(events[3]!['before']).to.include({ status: 'escalated', resolution: null });
    expect(events[3]!['after']).to.include({ status: 'closed', resolution: 'reported' });
    const audited = await listEntries(knex(), { actions: ['case.changed'], limit: 100 });
    const ours = audited.filter(({ subject }) => subject['case_id'] === id);
    expect(ours.map(({ reason }) => reason)).to.deep.equal(
      ['mine', 'twice this week', 'STR sent', 'new facts'].reverse(),
    );
    expect(ours[0]!.actor).to.include({ client_id: officer.id, role: 'compliance' });
  });

  it('stay as they are when nothing would change', async () => {
    const { id } = await open();
    const answer = await call('PATCH', `/${id}`, { status: 'open', reason: 'no change' });
    expect(answer.body).to.include({ version: 1 });
    expect(await history(id)).to.have.lengthOf(1);
  });

  it('are closed with a resolution, and have one only then', async () => {
    const { id } = await open();
    const why = { reason: 'why' };
    for (const body of [
      { status: 'closed', ...why },
      { resolution: 'warning', ...why },
      { status: 'escalated', resolution: 'warning', ...why },
      { status: 'closed', resolution: 'forgotten', ...why },
      { status: 'closed', resolution: 'warning' },
      { assigned_to: ops.id, ...why },
      why,
    ]) {
      expectProblem(await call('PATCH', `/${id}`, body), 422, 42210000);
    }
    expect((await call('GET', `/${id}`)).body).to.include({ status: 'open', version: 1 });
  });

  it('are changed in the version that was read', async () => {
    const { id } = await open();
    const headers = { 'If-Match': '"1"' };
    const body = (status: string) => ({ status, reason: 'why' });
    const both = await Promise.all([
      call('PATCH', `/${id}`, body('escalated'), { headers }),
      call('PATCH', `/${id}`, body('under_review'), { headers }),
    ]);
    expect(both.map(({ status }) => status).sort()).to.deep.equal([200, 409]);
    const late = both.find(({ status }) => status === 409)!;
    expectProblem(late, 409, 40910001);
    expect(late.body.version).to.equal(2);
  });

  it('are not opened again beside a newer one about the same', async () => {
    const first = await open({ kind: 'other', symbol: 'PEP' });
    const done = { status: 'closed', resolution: 'no_action', reason: 'nothing in it' };
    await call('PATCH', `/${first.id}`, done);
    await open({ kind: 'other', symbol: 'PEP' });
    const again = { status: 'open', reason: 'after all' };
    expectProblem(await call('PATCH', `/${first.id}`, again), 409, 40910002);
    const headers = { 'Idempotency-Key': 'open-it-again' };
    expectProblem(await call('PATCH', `/${first.id}`, again, { headers }), 409, 40910002);
    expect((await call('GET', `/${first.id}`)).body).to.include({ status: 'closed' });
  });

  it('take notes, which change nothing else', async () => {
    const { id } = await open();
    const noted = await call('POST', `/${id}/notes`, { note: 'called the client' });
    expect(noted.status).to.equal(201);
    expect(noted.body).to.include({ action: 'note_added', note: 'called the client' });
    expect((await history(id)).at(-1)).to.deep.equal(noted.body);
    expect((await call('GET', `/${id}`)).body).to.include({ version: 1 });
    const [entry] = await listEntries(knex(), { actions: ['case.note_added'], limit: 1 });
    expect(entry).to.include({ reason: 'called the client' });
    const page = await call('GET', `/${id}/history?limit=1`);
    const rest = `/${id}/history?limit=5&page_token=${page.body.next_page_token as string}`;
    expect((await call('GET', rest)).body.history).to.deep.equal([noted.body]);
  });

  it('are read by ops and acted on by compliance and admins only', async () => {
    const { id } = await open();
    expect((await call('GET', `/${id}`, undefined, { as: ops })).status).to.equal(200);
    expect((await call('GET', `/${id}/history`, undefined, { as: ops })).status).to.equal(200);
    const acts = [
      ['POST', '', { account_ids: [account()], summary: 'x' }],
      ['PATCH', `/${id}`, { status: 'closed', resolution: 'no_action', reason: 'x' }],
      ['POST', `/${id}/notes`, { note: 'x' }],
    ] as const;
    const client = await createPerson(trading, {
      accountId: account(3),
      scopes: ['read', 'trade'],
    });
    for (const [method, path, body] of acts) {
      expectProblem(await call(method, path, body, { as: ops }), 403, 40310000);
      expectProblem(await call(method, path, body, { as: client }), 403, 40310000);
    }
    for (const path of ['', `/${id}`, `/${id}/history`]) {
      expectProblem(await call('GET', path, undefined, { as: client }), 403, 40310000);
    }
  });

  it('that do not exist are not found', async () => {
    const id = uuidv7();
    expectProblem(await call('GET', `/${id}`), 404, 40410000);
    expectProblem(await call('GET', `/${id}/history`), 404, 40410000);
    expectProblem(await call('PATCH', `/${id}`, { status: 'open', reason: 'x' }), 404, 40410000);
    expectProblem(await call('POST', `/${id}/notes`, { note: 'x' }), 404, 40410000);
  });
});
