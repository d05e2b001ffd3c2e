import { expect } from 'chai';
import { expectProblem, startApi, type Api } from '../support/api.js';
import { clientOf, fundingClient, quiet, type FundingClient } from '../support/funding.js';
import { sessionOf } from '../support/session.js';
import { startTrading, type Trading } from '../support/trading.js';

const IBAN = 'DE89 3704 0044 0532 0130 00';

describe('bank accounts over HTTP', () => {
  let trading: Trading;
  let api: Api;
  let next = 0;
  /** A client that no other test touches. */
  let client: FundingClient;

  before(async () => {
    trading = await startTrading(5);
    api = await startApi(trading, { log: quiet });
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });
  beforeEach(async () => {
    client = await fundingClient(trading, api, next++);
  });

  const knex = () => trading.container.db.knex;
  const key = () => trading.accounts[client.account]!;
  const add = (body: object, headers: Record<string, string> = client.session) =>
    api.call('POST', '/v2/bank_accounts', { headers, body });

  it('are added with a second factor only, and known by their last four characters', async () => {
    const body = { account_owner_name: 'Test Person', iban: IBAN, nickname: 'savings' };
    const person = { id: await clientOf(trading, client.account), accountId: client.accountId };
    const plain = await sessionOf(trading, api, person);
    const refused = await add(body, plain);
    expectProblem(refused, 403, 40310000);
    expect(refused.body.step_up_required).to.equal(true);
    expectProblem(await api.call('POST', '/v2/bank_accounts', { as: key(), body }), 403, 40310000);

    const added = await add(body);
    expect(added.status).to.equal(201);
    expect(added.body).to.include({
      account_owner_name: 'Test Person',
      nickname: 'savings',
      kind: 'iban',
      country: 'DE',
      last4: '3000',
      status: 'APPROVED',
    });
    expect(JSON.stringify(added.body)).not.to.include('0532013');
    const row = await knex()('bank_accounts').where({ id: added.body.id }).first();
    expect(JSON.stringify(row)).not.to.include('0532013');
    const { sealer } = trading.container;
    const opened = sealer.open(row.number_sealed, `bank account ${added.body.id}`);
    expect(JSON.parse(opened)).to.deep.equal({ kind: 'iban', iban: IBAN.replaceAll(' ', '') });
    expect(row.fingerprint).to.deep.equal(sealer.fingerprint(`iban:${IBAN.replaceAll(' ', '')}`));
    const list = await api.call('GET', '/v2/bank_accounts', { as: key() });
    const listed = list.body as { id: string }[];
    expect(listed.map(({ id }) => id)).to.include(added.body.id);
  });

  it('are refused with wrong check digits, twice, or as a sixth', async () => {
    const us = (account: string) => ({
      account_owner_name: 'Test Person',
      bank_routing_number: '021000021',
      bank_account_number: account,
    });
    expectProblem(await add({ ...us('12345'), bank_routing_number: '021000022' }), 422, 42210000);
    const iban = 'DE88370400440532013000';
    expectProblem(await add({ account_owner_name: 'Test Person', iban }), 422, 42210000);
    expectProblem(await add({ ...us('12345'), iban: IBAN }), 422, 42210000);
    expectProblem(await add({ account_owner_name: 'Test Person' }), 422, 42210000);
    expect((await add(us('90001'))).status).to.equal(201);
    expectProblem(await add(us('90001')), 409, 40910020);
    const more = await Promise.all(
      ['90002', '90003', '90004', '90005', '90006'].map((number) => add(us(number))),
    );
    expect(more.map(({ status }) => status).sort()).to.deep.equal([201, 201, 201, 403, 403]);
  });

  it("are their client's alone, and go when no transfer needs them", async () => {
    const other = await fundingClient(trading, api, next++);
    const path = `/v2/bank_accounts/${client.bankAccountId}`;
    expectProblem(await api.call('DELETE', path, { headers: other.session }), 404, 40410000);
    const deposit = await client.transfer('INCOMING', '10');
    expectProblem(await api.call('DELETE', path, { headers: client.session }), 409, 40910021);
    await api.call('DELETE', `/v2/transfers/${deposit.body.id}`, { as: key() });
    expect((await api.call('DELETE', path, { headers: client.session })).status).to.equal(204);
    expectProblem(await api.call('DELETE', path, { headers: client.session }), 404, 40410000);
    expectProblem(await client.transfer('INCOMING', '10'), 404, 40410000);
    expect((await fundingClient(trading, api, client.account)).bankAccountId).to.be.a('string');
  });
});
