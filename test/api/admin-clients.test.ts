import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { sessionOf } from '../support/session.js';
import { fundingClient } from '../support/funding.js';
import { startTrading, type Trading } from '../support/trading.js';

type Person = Awaited<ReturnType<typeof createPerson>>;
type Role = 'ops' | 'compliance' | 'admin';

const REFUSED_WITHIN_MS = 1_000;
const PASSWORD = 'a long enough password';

describe('clients as staff sees them', () => {
  let trading: Trading;
  let api: Api;
  let staff: Record<Role, Person>;

  before(async () => {
    trading = await startTrading(6);
    api = await startApi(trading);
    const person = (role: Role) => createPerson(trading, { role, scopes: ['read', 'admin'] });
    staff = {
      ops: await person('ops'),
      compliance: await person('compliance'),
      admin: await person('admin'),
    };
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const knex = () => trading.container.db.knex;
  const get = (path: string, as: Role = 'compliance'): Promise<Answer> =>
    api.call('GET', `/v2/admin/clients${path}`, { as: staff[as] });
  const act = (id: string, verb: string, as: Role = 'compliance'): Promise<Answer> =>
    api.call('POST', `/v2/admin/clients/${id}/${verb}`, {
      as: staff[as],
      body: { reason: 'a test' },
    });
  const clientOf = async (account: number): Promise<string> => {
    const { account_id: id } = trading.accounts[account]!;
    return (await knex()('accounts').where({ id }).first<{ client_id: string }>()).client_id;
  };
  const lastAct = async (action: string) => {
    const row = await knex()('audit_entries')
      .where({ action })
      .orderBy('id', 'desc')
      .first<{ content: string } | undefined>('content');
    return row && JSON.parse(row.content);
  };
  const describePerson = (id: string) =>
    knex()('clients').where({ id }).update({
      first_name: 'Zoë_%',
      last_name: 'Okonkwo',
      phone: '+14155550123',
      date_of_birth: '1990-02-03',
      address: '{"street":"1 Main St","country":"US"}',
    });

  it('are found by e-mail, phone, name, status and role, by page', async () => {
    const person = await createPerson(trading);
    await describePerson(person.id);
    const ids = async (query: string) => {
      const { status, body } = await get(`?${query}`);
      expect(status, query).to.equal(200);
      return (body.clients as { id: string }[]).map(({ id }) => id);
    };
    for (const query of [
      `email=${person.email.toUpperCase()}`,
      'phone=%2B14155550123',
      'name=okonk',
      'name=Zo%C3%AB_%25%20oko',
    ]) {
      expect(await ids(query), query).to.deep.equal([person.id]);
    }
    for (const query of ['name=_', 'name=%25', 'email=okonkwo', 'phone=%2B1415555012']) {
      expect(await ids(query), query).to.deep.equal([]);
    }
    expect(await ids('role=ops')).to.deep.equal([staff.ops.id]);
    expect(await ids('status=suspended')).to.deep.equal([]);
    const page = await get('?role=client&limit=2');
    expect(page.body.clients).to.have.lengthOf(2);
    const next = await ids(`role=client&limit=500&page_token=${page.body.next_page_token}`);
    expect(next).to.have.lengthOf(5);
    expect(next).not.to.include(page.body.clients[0].id);
    for (const bad of ['status=gone', 'role=root', 'limit=501', 'name=', 'x=1']) {
      expectProblem(await get(`?${bad}`), 422, 42210000);
    }
  });

  it('are searched on record, without what was searched for', async () => {
    await get('?email=somebody@test.example', 'ops');
    const { actor, after } = await lastAct('client.searched');
    expect(actor.client_id).to.equal(staff.ops.id);
    expect(after).to.deep.include({ by: ['email'], found: 0 });
    expect(JSON.stringify(after)).not.to.include('somebody');
  });

  it('have a file: who they are, what they have, and what is set for them', async () => {
    const id = await clientOf(0);
    await trading.place({ account: 0, side: 'buy', qty: '1', price: '100' });
    await sessionOf(trading, api, { id });
    const account = trading.accounts[0]!.account_id;
    await api.call('PUT', '/v2/admin/limits', {
      as: staff.compliance,
      body: { account_id: account, max_order_qty: '5', reason: 'a test' },
    });
    const { status, body } = await get(`/${id}`);
    expect(status).to.equal(200);
    expect(body).to.include({
      id,
      role: 'client',
      status: 'active',
      api_keys: 1,
      open_sessions: 1,
    });
    expect(body.accounts).to.have.lengthOf(1);
    expect(body.accounts[0]).to.include({
      id: account,
      cash: '100000',
      cash_held: '100',
      positions: 3,
      open_orders: 1,
      kill_switch: false,
      restricted: false,
    });
    expect(body.accounts[0].limits).to.include({ max_order_qty: '5' });
    expectProblem(await get(`/${uuidv7()}`), 404, 40410000);
  });

  it('are masked for ops, and not for compliance and admins', async () => {
    const person = await createPerson(trading);
    await knex()('clients').where({ id: person.id }).update({
      phone: '+14155550199',
      date_of_birth: '1990-02-03',
      address: '{"street":"1 Main St"}',
    });
    const domain = '@test.example';
    const masked = { email: `${person.email[0]!}***${domain}`, phone: '+***99', masked: true };
    const file = (await get(`/${person.id}`, 'ops')).body;
    expect(file).to.include({ ...masked, date_of_birth: null, address: null });
    const listed = (await get(`?email=${person.email}`, 'ops')).body.clients[0];
    expect(listed).to.include(masked);
    expect(JSON.stringify([file, listed])).not.to.match(/4155550199|1990|Main St/);
    for (const role of ['compliance', 'admin'] as const) {
      const { body } = await get(`/${person.id}`, role);
      expect(body).to.include({ email: person.email, phone: '+14155550199', masked: false });
      expect(body).to.deep.include({
        date_of_birth: '1990-02-03',
        address: { street: '1 Main St' },
      });
    }
  });

  it('leave a record of who read their file', async () => {
    const id = await clientOf(1);
    await get(`/${id}`, 'ops');
    const { actor, subject } = await lastAct('client.viewed');
    expect([actor.client_id, subject.client_id]).to.deep.equal([staff.ops.id, id]);
  });

  it('are suspended: credentials end, nothing of theirs trades; and let back in', async () => {
    const id = await clientOf(2);
    const key = trading.accounts[2]!;
    const headers = await sessionOf(trading, api, { id, accountId: key.account_id });
    const resting = await trading.place({ account: 2, side: 'sell', qty: '1', price: '151' });
    await trading.settle();
    expect((await api.call('GET', '/v2/account', { as: key })).status).to.equal(200);
    expect((await api.call('GET', '/v2/account', { headers })).status).to.equal(200);

    const { status, body } = await act(id, 'suspend', 'ops');
    expect(status).to.equal(200);
    expect(body).to.include({ id, status: 'suspended', status_reason: 'a test', masked: true });
    await eventually(async () => {
      expectProblem(await api.call('GET', '/v2/account', { as: key }), 403, 40310000);
      expectProblem(await api.call('GET', '/v2/account', { headers }), 401, 40110000);
    }, REFUSED_WITHIN_MS);
    await trading.place({ account: 3, side: 'buy', qty: '1', price: '151' });
    await trading.settle();
    expect(await trading.order(resting)).to.include({ status: 'canceled' });
    expect(await trading.position(2, 'AAPL')).to.include({ held: 0n });
    expect((await get(`/${id}`)).body.accounts[0]).to.include({ kill_switch: true });
    expect(await lastAct('client.suspended')).to.deep.include({
      before: { status: 'active' },
      after: { status: 'suspended' },
      reason: 'a test',
    });

    expectProblem(await act(id, 'suspend'), 409, 40910004);
    expectProblem(await act(id, 'reactivate', 'ops'), 403, 40310000);
    expect((await act(id, 'reactivate')).body).to.include({ status: 'active' });
    expectProblem(await act(id, 'reactivate'), 409, 40910004);
    expect((await get(`/${id}`)).body.accounts[0]).to.include({ kill_switch: false });
    expect((await api.call('GET', '/v2/account', { as: key })).status).to.equal(200);
  });

  it('keep a kill switch that somebody had turned on before', async () => {
    const id = await clientOf(3);
    const path = `/v2/admin/accounts/${trading.accounts[3]!.account_id}/kill_switch`;
    await api.call('PUT', path, { as: staff.ops, body: { reason: 'runaway program' } });
    await act(id, 'suspend');
    await act(id, 'reactivate');
    const { body } = await api.call('GET', path, { as: staff.ops });
    expect(body).to.include({ active: true, reason: 'runaway program' });
  });

  it('are closed only when nothing is left, and for good', async () => {
    const id = await clientOf(4);
    await trading.place({ account: 4, side: 'buy', qty: '1', price: '100' });
    const depositor = await fundingClient(trading, api, 4);
    expect((await depositor.transfer('INCOMING', '100')).status).to.equal(201);
    expectProblem(await act(id, 'close', 'ops'), 403, 40310000);
    const refused = await act(id, 'close');
    expectProblem(refused, 409, 40910005);
    expect(refused.body.remaining).to.deep.equal([
      {
        account_id: trading.accounts[4]!.account_id,
        cash: '100000',
        positions: 3,
        open_orders: 1,
        open_transfers: 1,
      },
    ]);
    expect((await get(`/${id}`)).body.status).to.equal('active');

    const person = await createPerson(trading, { password: PASSWORD });
    const accountId = uuidv7();
    await knex()('accounts').insert({
      id: accountId,
      client_id: person.id,
      account_number: `T${Date.now()}`,
    });
    expect((await act(person.id, 'close')).body).to.include({ status: 'closed' });
    expect((await get(`/${person.id}`)).body).to.include({ status: 'closed', api_keys: 0 });
    const login = { body: { email: person.email, password: PASSWORD } };
    expect((await api.call('POST', '/v2/sessions', login)).status).to.be.oneOf([401, 403]);
    for (const verb of ['suspend', 'reactivate', 'close']) {
      expectProblem(await act(person.id, verb), 409, 40910004);
    }
  });

  it('are neither oneself nor staff, and acts want a reason and a role', async () => {
    for (const verb of ['suspend', 'reactivate', 'close']) {
      expectProblem(await act(staff.compliance.id, verb), 403, 40310000);
      expectProblem(await act(staff.admin.id, verb), 403, 40310000);
      expectProblem(await act(uuidv7(), verb), 404, 40410000);
      const path = `/v2/admin/clients/${await clientOf(5)}/${verb}`;
      expectProblem(await api.call('POST', path, { as: staff.admin, body: {} }), 422, 42210000);
      const as = trading.accounts[0]!;
      expectProblem(await api.call('POST', path, { as, body: { reason: 'x' } }), 403, 40310000);
    }
    expectProblem(
      await api.call('GET', '/v2/admin/clients', { as: trading.accounts[0]! }),
      403,
      40310000,
    );
  });
});
