import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import { changeMember } from '../../src/admin/staff-members/service.js';
import { systemActor } from '../../src/audit/record.js';
import { readStaffOptions, takeOn } from '../../src/commands/staff.js';
import { OneTimeCodes } from '../../src/identity/one-time-codes.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { decide } from '../support/approvals.js';
import { eventually } from '../support/eventually.js';
import { sessionOf } from '../support/session.js';
import { mailsTo } from '../support/sent-mails.js';
import { startTrading, type Trading } from '../support/trading.js';

type Person = Awaited<ReturnType<typeof createPerson>>;
type Role = 'ops' | 'compliance' | 'admin';

const REFUSED_WITHIN_MS = 1_000;

describe('staff', () => {
  let trading: Trading;
  let api: Api;
  let admin: Person;
  let second: Person;

  const person = (role: Role) => createPerson(trading, { role, scopes: ['read', 'admin'] });

  beforeEach(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
    admin = await person('admin');
    second = await person('admin');
  });
  afterEach(async () => {
    await api.stop();
    await trading.stop();
  });

  const knex = () => trading.container.db.knex;
  const GRACE = { email: 'Grace@Test.example', first_name: 'Grace', last_name: 'Ito', role: 'ops' };
  const create = (body: object = GRACE, as = admin): Promise<Answer> =>
    api.call('POST', '/v2/admin/staff', { as, body: { reason: 'a test', ...body } });
  const change = (id: string, body: object, as = admin): Promise<Answer> =>
    api.call('PATCH', `/v2/admin/staff/${id}`, { as, body: { reason: 'a test', ...body } });
  const list = async (query = '') =>
    (await api.call('GET', `/v2/admin/staff${query}`, { as: admin })).body;
  const memberOf = async (id: string) => {
    const { staff } = (await list()) as { staff: { id: string }[] };
    return staff.find((member) => member.id === id);
  };

  it('are taken on by two admins, and invited to set a password', async () => {
    const waiting = await create();
    expect(waiting.status).to.equal(202);
    expect(waiting.body).to.include({
      kind: 'staff.create',
      summary: 'Take on Grace Ito (grace@test.example) as ops',
    });
    expectProblem(await decide(api, admin, waiting), 403, 40310000);
    expect((await list('?role=ops')).staff).to.deep.equal([]);
    expect(await mailsTo(trading, 'grace@test.example')).to.deep.equal([]);

    const { body } = await decide(api, second, waiting);
    expect(body.status).to.equal('approved');
    const [member] = (await list('?role=ops')).staff;
    expect(member).to.include({ id: body.result.client_id, active: true, first_name: 'Grace' });
    const [mail, ...others] = await mailsTo(trading, 'grace@test.example');
    expect(others).to.deep.equal([]);
    expect(mail!.kind).to.equal('staff_invitation');
    const codes = new OneTimeCodes(trading.container.sealer);
    const redeemed = await knex().transaction((trx) =>
      codes.redeemToken(trx, 'reset_password', { token: mail!.secret!, now: new Date() }),
    );
    expect(redeemed?.clientId).to.equal(member.id);
    expect(JSON.stringify(body)).not.to.include(mail!.secret);
    const { content } = await knex()('audit_entries')
      .where({ action: 'staff.created' })
      .first<{ content: string }>('content');
    expect(JSON.parse(content)).to.deep.include({
      subject: { client_id: member.id, approval_id: body.id },
      after: { role: 'ops', active: true },
    });
  });

  it('have an address of their own, when asked for and when approved', async () => {
    expectProblem(await create({ ...GRACE, email: second.email }), 409, 40910006);
    const [first, again] = [await create(), await create()];
    expect((await decide(api, second, first)).body.status).to.equal('approved');
    const { body } = await decide(api, second, again);
    expect(body).to.include({ status: 'failed' });
    expect(body.failure).to.include('grace@test.example');
    expect(await mailsTo(trading, 'grace@test.example')).to.have.lengthOf(1);
  });

  it('get another role by two admins; what they had for the old one ends', async () => {
    const ops = await person('ops');
    const headers = await sessionOf(trading, api, { ...ops, role: 'ops' });
    const waiting = await change(ops.id, { role: 'compliance' });
    expect(waiting.body.summary).to.equal(`Change ${ops.email} from ops to compliance`);
    expect(await memberOf(ops.id)).to.include({ role: 'ops' });
    for (const credential of [{ as: ops }, { headers }]) {
      expect((await api.call('GET', '/v2/admin/limits', credential)).status).to.equal(200);
    }
    expect((await decide(api, second, waiting)).body.result).to.deep.equal({
      role: 'compliance',
      active: true,
    });
    expect(await memberOf(ops.id)).to.include({ role: 'compliance' });
    await eventually(async () => {
      for (const credential of [{ as: ops }, { headers }]) {
        expectProblem(await api.call('GET', '/v2/admin/limits', credential), 401, 40110000);
      }
    }, REFUSED_WITHIN_MS);
  });

  it('are shut out by two admins, and let back in', async () => {
    const ops = await person('ops');
    await decide(api, second, await change(ops.id, { active: false }));
    expect((await list('?active=false')).staff).to.have.lengthOf(1);
    await eventually(async () => {
      expectProblem(await api.call('GET', '/v2/admin/limits', { as: ops }), 403, 40310000);
    }, REFUSED_WITHIN_MS);
    await decide(api, second, await change(ops.id, { active: true }));
    expect((await api.call('GET', '/v2/admin/limits', { as: ops })).status).to.equal(200);
  });

  it('are not changed from what nobody saw', async () => {
    const ops = await person('ops');
    const [up, out] = [
      await change(ops.id, { role: 'admin' }),
      await change(ops.id, { active: false }),
    ];
    expect((await decide(api, second, out)).body.status).to.equal('approved');
    expect((await decide(api, second, up)).body).to.include({ status: 'failed' });
    expect(await memberOf(ops.id)).to.include({ role: 'ops', active: false });
  });

  it('change neither themselves nor what concerns them', async () => {
    expectProblem(await change(admin.id, { active: false }), 403, 40310000);
    const waiting = await change(second.id, { role: 'ops' });
    expect(waiting.status).to.equal(202);
    expectProblem(await decide(api, second, waiting), 403, 40310000);
  });

  it('always have an active admin among them', async () => {
    const third = await person('admin');
    const author = { by: systemActor('test'), reason: 'a test' };
    const demote = ({ id }: Person) =>
      knex().transaction((trx) =>
        changeMember(
          trx,
          id,
          { role: 'admin', active: true },
          { role: 'ops', active: true },
          author,
        ),
      );
    const outcomes = await Promise.allSettled([admin, second, third].map(demote));
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused).to.have.lengthOf(1);
    expect((refused[0] as PromiseRejectedResult).reason).to.include({ code: 40910006 });
    const left = await knex()('clients').where({ role: 'admin', status: 'active' });
    expect(left).to.have.lengthOf(1);
  });

  it('are taken on by the operator, too, with a token that is printed once', async () => {
    const member = readStaffOptions([
      '--email',
      'First@test.example',
      '--role',
      'admin',
      '--name',
      'Ada de la Cruz',
    ]);
    expect(member).to.deep.equal({
      email: 'first@test.example',
      role: 'admin',
      first_name: 'Ada',
      last_name: 'de la Cruz',
    });
    const { sealer } = trading.container;
    const { token } = await takeOn(knex(), sealer, member);
    const redeemed = await knex().transaction((trx) =>
      new OneTimeCodes(sealer).redeemToken(trx, 'reset_password', { token, now: new Date() }),
    );
    const [ada] = (await list()).staff;
    expect(ada).to.include({ id: redeemed?.clientId, email: 'first@test.example', role: 'admin' });
    const { content } = await knex()('audit_entries')
      .where({ action: 'staff.created' })
      .first<{ content: string }>('content');
    expect(JSON.parse(content).actor).to.include({ kind: 'system', credential: 'npm run staff' });
    for (const [args, word] of [
      [['--email', 'x', '--role', 'admin', '--name', 'A B'], 'email'],
      [['--email', 'a@b.example', '--role', 'client', '--name', 'A B'], 'role'],
      [['--email', 'a@b.example', '--role', 'ops', '--name', 'Ada'], 'name'],
    ] as const) {
      expect(() => readStaffOptions([...args])).to.throw(word);
    }
  });

  it('are listed for admins only, by role and page', async () => {
    const ops = await person('ops');
    const officer = await person('compliance');
    const ids = (page: { staff: { id: string }[] }) => page.staff.map(({ id }) => id);
    expect(ids(await list())).to.deep.equal([officer.id, ops.id, second.id, admin.id]);
    expect(ids(await list('?role=admin'))).to.deep.equal([second.id, admin.id]);
    const page = await list('?limit=3');
    expect(ids(await list(`?limit=3&page_token=${page.next_page_token}`))).to.deep.equal([
      admin.id,
    ]);
    for (const as of [ops, officer, trading.accounts[0]!]) {
      expectProblem(await api.call('GET', '/v2/admin/staff', { as }), 403, 40310000);
      expectProblem(await create(GRACE, as as Person), 403, 40310000);
      expectProblem(await change(ops.id, { active: false }, as as Person), 403, 40310000);
    }
  });

  it('are refused with a clear word when something is not right', async () => {
    const ops = await person('ops');
    const bad: [Promise<Answer>, string][] = [
      [create({ ...GRACE, role: 'client' }), 'role'],
      [create({ ...GRACE, email: 'grace' }), 'email'],
      [create({ ...GRACE, first_name: ' ' }), 'first_name'],
      [create({ ...GRACE, reason: '' }), 'reason'],
      [create({ ...GRACE, password: 'x' }), 'password'],
      [change(ops.id, {}), 'role'],
      [change(ops.id, { role: 'client' }), 'role'],
      [change(ops.id, { role: 'ops' }), 'already'],
    ];
    for (const [answer, word] of bad) {
      expectProblem(await answer, 422, 42210000);
      expect((await answer).body.detail).to.include(word);
    }
    const { client_id } = await knex()('accounts')
      .where({ id: trading.accounts[0]!.account_id })
      .first<{ client_id: string }>();
    for (const id of [uuidv7(), client_id]) {
      expectProblem(await change(id, { active: false }), 404, 40410000);
    }
  });
});
