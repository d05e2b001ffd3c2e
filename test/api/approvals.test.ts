import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import { expireApprovals } from '../../src/approvals/expire.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { decide } from '../support/approvals.js';
import { startTrading, type Trading } from '../support/trading.js';

type Person = Awaited<ReturnType<typeof createPerson>>;

describe('approvals', () => {
  let trading: Trading;
  let api: Api;
  let asker: Person;
  let second: Person;
  let ops: Person;

  const person = (role: 'ops' | 'compliance' | 'admin') =>
    createPerson(trading, { role, scopes: ['read', 'admin'] });

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
    asker = await person('compliance');
    second = await person('admin');
    ops = await person('ops');
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const knex = () => trading.container.db.knex;
  const account = () => trading.accounts[0]!.account_id;
  /** Cash for the first account, which starts with 100,000. */
  const ask = (amount: string, as = asker): Promise<Answer> =>
    api.call('POST', '/v2/admin/adjustments', {
      as,
      body: { account_id: account(), asset: 'USD', amount, reason: 'a test' },
    });
  const read = async (id: string) =>
    (await api.call('GET', `/v2/admin/approvals/${id}`, { as: ops })).body;
  const acts = async (id: string): Promise<{ action: string; after: object; reason: string }[]> => {
    const rows = await knex()('audit_entries')
      .whereRaw(`content::jsonb #>> '{subject,approval_id}' = ?`, [id])
      .orderBy('id')
      .select<{ content: string }[]>('content');
    return rows.map(({ content }) => JSON.parse(content));
  };
  const cash = async () => (await trading.cash(0)).cash;

  it('tell what would be done, why, by whom, and until when', async () => {
    const { status, body } = await ask('12.5');
    expect(status).to.equal(202);
    expect(body).to.deep.include({
      kind: 'adjustment.post',
      status: 'pending',
      summary: `Give 12.5 USD to account ${account()}`,
      requested_by: asker.id,
      reason: 'a test',
      decided_by: null,
      decided_at: null,
      version: 1,
    });
    const lives = Date.parse(body.expires_at) - Date.parse(body.created_at);
    expect(lives).to.equal(24 * 3_600_000);
    expect(await read(body.id)).to.deep.equal(body);
    expect(await acts(body.id)).to.have.lengthOf(1);
    expectProblem(
      await api.call('GET', `/v2/admin/approvals/${uuidv7()}`, { as: ops }),
      404,
      40410000,
    );
  });

  it('do it when somebody else approves, and record who and from what to what', async () => {
    const before = await cash();
    const waiting = await ask('100');
    expect(await cash()).to.equal(before);
    const { status, body } = await decide(api, second, waiting, 'approve', 'seen the statement');
    expect(status).to.equal(200);
    expect(body).to.include({
      status: 'approved',
      decided_by: second.id,
      decision_reason: 'seen the statement',
      version: 2,
    });
    expect(await cash()).to.equal(before + 1_000_000n);
    const recorded = await acts(body.id);
    expect(recorded.map(({ action }) => action)).to.deep.equal([
      'approval.requested',
      'adjustment.posted',
      'approval.approved',
    ]);
    expect(recorded.map(({ reason }) => reason)).to.deep.equal([
      'a test',
      'a test',
      'seen the statement',
    ]);
  });

  it('are not decided by who asked, nor by a role that may not', async () => {
    const waiting = await ask('1');
    for (const verb of ['approve', 'reject'] as const) {
      expectProblem(await decide(api, asker, waiting, verb), 403, 40310000);
      expectProblem(await decide(api, ops, waiting, verb), 403, 40310000);
      expectProblem(await decide(api, trading.accounts[0]!, waiting, verb), 403, 40310000);
    }
    expectProblem(await decide(api, second, waiting, 'withdraw'), 403, 40310000);
    expect(await read(waiting.body.id)).to.include({ status: 'pending', version: 1 });
    const own = knex()('approvals')
      .where({ id: waiting.body.id })
      .update({ status: 'approved', decided_by: asker.id, decided_at: new Date() });
    expect(await own.then(String, String)).to.match(/violates check constraint/);
    const other = knex()('approvals').where({ id: waiting.body.id }).update({ payload: '{}' });
    expect(await other.then(String, String)).to.match(/permission denied/);
  });

  it('are rejected or withdrawn for good, and nothing is done', async () => {
    const before = await cash();
    const [rejected, withdrawn] = [await ask('1'), await ask('1')];
    const no = await decide(api, second, rejected, 'reject', 'no such fee');
    expect(no.body).to.include({ status: 'rejected', decided_by: second.id });
    const back = await decide(api, asker, withdrawn, 'withdraw');
    expect(back.body).to.include({ status: 'withdrawn', decided_by: null });
    for (const one of [rejected, withdrawn]) {
      const late = await decide(api, second, one);
      expectProblem(late, 409, 40910002);
      expect(late.body.approval_status).to.equal((await read(one.body.id)).status);
    }
    expect(await cash()).to.equal(before);
    expect((await acts(rejected.body.id)).map(({ action }) => action)).to.deep.equal([
      'approval.requested',
      'approval.rejected',
    ]);
  });

  it('have one effect, however many approve at once', async () => {
    const before = await cash();
    const waiting = await ask('7');
    const others = await Promise.all(Array.from({ length: 20 }, () => person('admin')));
    const answers = await Promise.all(others.map((one) => decide(api, one, waiting)));
    expect(answers.filter(({ status }) => status === 200)).to.have.lengthOf(1);
    expect(answers.filter(({ status }) => status === 409)).to.have.lengthOf(19);
    expect(await cash()).to.equal(before + 70_000n);
    expect(await acts(waiting.body.id)).to.have.lengthOf(3);
  });

  it('fail when it cannot be done any more, and leave nothing of it', async () => {
    const before = await cash();
    const rest = before - 10_000n;
    const [most, more] = [await ask(`-${rest / 10_000n}`), await ask('-2')];
    expect((await decide(api, second, most)).body.status).to.equal('approved');
    const { status, body } = await decide(api, second, more);
    expect(status).to.equal(200);
    expect(body).to.include({ status: 'failed', decided_by: second.id, result: null });
    expect(body.failure).to.match(/cannot be taken$/);
    expectProblem(await decide(api, second, more), 409, 40910002);
    expect((await acts(body.id)).map(({ action }) => action)).to.deep.equal([
      'approval.requested',
      'approval.failed',
    ]);
    await decide(api, second, await ask('100000'));
    expect((await trading.proof()).balanced).to.equal(true);
  });

  it('fail when who asked has left, or has another role', async () => {
    const leaver = await person('ops');
    const waiting = await ask('1', leaver);
    await knex()('clients').where({ id: leaver.id }).update({ status: 'suspended' });
    const { body } = await decide(api, second, waiting);
    expect(body).to.include({
      status: 'failed',
      failure: 'Who asked for it may not do so any more',
    });
  });

  it('expire after a day, once, and cannot be approved from then on', async () => {
    const [one, other] = [await ask('1'), await ask('1')];
    await trading.asOwner(
      `update approvals set created_at = now() - interval '25 hours',
         expires_at = now() - interval '1 hour' where id = '${one.body.id}'`,
    );
    const late = await decide(api, second, one);
    expectProblem(late, 409, 40910002);
    expect(late.body.approval_status).to.equal('expired');
    const now = new Date();
    const counts = await Promise.all([1, 2, 3].map(() => expireApprovals(knex(), now)));
    expect(counts.reduce((sum, count) => sum + count)).to.equal(1);
    expect(await read(one.body.id)).to.include({ status: 'expired', decided_by: null });
    expect(await read(other.body.id)).to.include({ status: 'pending' });
    expect((await acts(one.body.id)).map(({ action }) => action)).to.deep.equal([
      'approval.requested',
      'approval.expired',
    ]);
  });

  it('are listed by status, kind and page, the newest first', async () => {
    const list = async (query: string) =>
      (await api.call('GET', `/v2/admin/approvals?${query}`, { as: ops })).body;
    const ids = (one: { approvals: { id: string }[] }) => one.approvals.map(({ id }) => id);
    const newest = [await ask('1'), await ask('2')].map(({ body }) => body.id as string).reverse();
    const page = await list('status=pending&limit=1');
    expect(ids(page)).to.deep.equal([newest[0]]);
    const next = await list(`status=pending&limit=1&page_token=${page.next_page_token}`);
    expect(ids(next)).to.deep.equal([newest[1]]);
    expect((await list('kind=limits.set')).approvals).to.deep.equal([]);
    expect((await list('kind=adjustment.post&status=withdrawn')).approvals).to.have.lengthOf(1);
    for (const bad of ['status=open', 'limit=501', 'page_token=1']) {
      const answer = await api.call('GET', `/v2/admin/approvals?${bad}`, { as: ops });
      expectProblem(answer, 422, 42210000);
    }
    expectProblem(
      await api.call('GET', '/v2/admin/approvals', { as: trading.accounts[0]! }),
      403,
      40310000,
    );
  });

  it('are decided once for each Idempotency-Key, and replayed', async () => {
    const before = await cash();
    const waiting = await ask('3');
    const again = () =>
      api.call('POST', `/v2/admin/approvals/${waiting.body.id}/approve`, {
        as: second,
        body: { reason: 'checked' },
        headers: { 'Idempotency-Key': 'approve-once' },
      });
    const [first, replayed] = [await again(), await again()];
    expect(first.status).to.equal(200);
    expect(replayed.body).to.deep.equal(first.body);
    expect(replayed.headers.get('idempotent-replayed')).to.equal('true');
    expect(await cash()).to.equal(before + 30_000n);
  });

  it('want a reason for every decision', async () => {
    const waiting = await ask('1');
    for (const verb of ['approve', 'reject', 'withdraw'] as const) {
      expectProblem(await decide(api, second, waiting, verb, ' '), 422, 42210000);
    }
  });
});
