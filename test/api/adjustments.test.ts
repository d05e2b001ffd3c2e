import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import type { ApiKeyCredentials } from '../../src/identity/new-api-key.js';
import { ADJUSTMENTS_ACCOUNT, USD } from '../../src/ledger/house.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { decide } from '../support/approvals.js';
import { shares, startTrading, usd, type Trading } from '../support/trading.js';

type Person = Awaited<ReturnType<typeof createPerson>>;

describe('manual adjustments', () => {
  let trading: Trading;
  let api: Api;
  let ops: Person;
  let officer: Person;

  beforeEach(async () => {
    trading = await startTrading(2);
    api = await startApi(trading);
    ops = await createPerson(trading, { role: 'ops', scopes: ['read', 'admin'] });
    officer = await createPerson(trading, { role: 'compliance', scopes: ['read', 'admin'] });
  });
  afterEach(async () => {
    expect((await trading.proof()).balanced).to.equal(true);
    await api.stop();
    await trading.stop();
  });

  const account = () => trading.accounts[0]!.account_id;
  const ask = (body: object, as: ApiKeyCredentials = ops): Promise<Answer> =>
    api.call('POST', '/v2/admin/adjustments', {
      as,
      body: { account_id: account(), reason: 'dividend of 2025 was missed', ...body },
    });
  const adjust = async (body: object) => {
    const waiting = await ask(body);
    expect(waiting.status, JSON.stringify(waiting.body)).to.equal(202);
    return (await decide(api, officer, waiting)).body;
  };

  it('give and take cash, against the account of the house for them', async () => {
    const { result } = await adjust({ asset: 'USD', amount: '250.5' });
    expect(result).to.include({ cash: '100250.5' });
    expect((await adjust({ asset: 'USD', amount: -100 })).result).to.include({ cash: '100150.5' });
    expect(await trading.cash(0)).to.deep.equal({ cash: usd('100150.5'), held: 0n });
    const booked = await trading.container.db
      .knex('postings')
      .where({ account_id: ADJUSTMENTS_ACCOUNT, asset_id: USD })
      .sum('amount')
      .first();
    expect(booked).to.deep.equal({ sum: '-1505000' });
  });

  it('give shares at a cost, and take them with their part of it', async () => {
    await adjust({ asset: 'KO', amount: '10', cost: '600' });
    expect(await trading.position(0, 'KO')).to.deep.equal({
      qty: shares('10'),
      held: 0n,
      cost: usd('600'),
    });
    const { result } = await adjust({ asset: 'KO', amount: '-2.5' });
    expect(result).to.include({ qty: '7.5' });
    expect(await trading.position(0, 'KO')).to.include({ qty: shares('7.5'), cost: usd('450') });
    await adjust({ asset: 'KO', amount: '-7.5' });
    expect(await trading.position(0, 'KO')).to.include({ qty: 0n, cost: 0n });
    expect((await adjust({ asset: 'BTCUSD', amount: '0.5', cost: '0' })).status).to.equal(
      'approved',
    );
    expect(await trading.position(0, 'BTC/USD')).to.include({ qty: shares('10.5') });
  });

  it("show among the client's activities", async () => {
    await adjust({ asset: 'USD', amount: '-1.25' });
    await adjust({ asset: 'AAPL', amount: '3', cost: '450' });
    const as = trading.accounts[0]!;
    const read = async (type: string) =>
      (await api.call('GET', `/v2/account/activities/${type}`, { as })).body[0];
    expect(await read('JNLC')).to.include({ net_amount: '-1.25', description: 'Adjustment' });
    expect(await read('JNLS')).to.include({ symbol: 'AAPL', qty: '3', net_amount: '0' });
  });

  it('are recorded with what was there before and after', async () => {
    const { id, result } = await adjust({ asset: 'AAPL', amount: '-1' });
    const row = await trading.container.db
      .knex('audit_entries')
      .where({ action: 'adjustment.posted' })
      .first<{ content: string }>('content');
    const { actor, subject, before, after, reason } = JSON.parse(row.content);
    expect(actor).to.include({ client_id: officer.id });
    expect(subject).to.include({
      account_id: account(),
      symbol: 'AAPL',
      approval_id: id,
      journal_id: result.journal_id,
    });
    expect([before, after]).to.deep.equal([{ qty: '1000' }, { qty: '999' }]);
    expect(reason).to.equal('dividend of 2025 was missed');
  });

  it('take nothing that open orders hold, when asked for and when approved', async () => {
    await trading.place({ account: 0, side: 'buy', qty: '100', price: '100' });
    const tooMuch = await ask({ asset: 'USD', amount: '-90000.0001' });
    expectProblem(tooMuch, 409, 40910003);
    expect(tooMuch.body).to.include({
      existing: '100000',
      held_for_orders: '10000',
      available: '90000',
    });
    const shareWaiting = await ask({ asset: 'AAPL', amount: '-1000' });
    const cashWaiting = await ask({ asset: 'USD', amount: '-90000' });
    await trading.place({ account: 0, side: 'sell', qty: '1', price: '900' });
    await trading.place({ account: 0, side: 'buy', qty: '1', price: '10' });
    for (const waiting of [shareWaiting, cashWaiting]) {
      const { body } = await decide(api, officer, waiting);
      expect(body).to.include({ status: 'failed' });
      expect(body.failure).to.include('open orders hold');
    }
    expect(await trading.cash(0)).to.include({ cash: usd('100000') });
    expect(await trading.position(0, 'AAPL')).to.include({ qty: shares('1000') });
    expectProblem(await ask({ asset: 'KO', amount: '-1' }), 409, 40910003); // it has none
  });

  it('are asked for by staff and approved by compliance or an admin', async () => {
    const other = await createPerson(trading, { role: 'ops', scopes: ['read', 'admin'] });
    const waiting = await ask({ asset: 'USD', amount: '1' });
    expectProblem(await decide(api, other, waiting), 403, 40310000);
    expectProblem(await ask({ asset: 'USD', amount: '1' }, trading.accounts[0]), 403, 40310000);
  });

  it('refuse what is not right, and name it', async () => {
    const house = '00000000-0000-7000-8000-000000000002';
    const bad: [string, object][] = [
      ['account_id', { account_id: uuidv7(), asset: 'USD', amount: '1' }],
      ['account_id', { account_id: house, asset: 'USD', amount: '1' }],
      ['asset', { asset: 'NOSUCH', amount: '1' }],
      ['amount', { asset: 'USD', amount: '0' }],
      ['amount', { asset: 'USD', amount: '0.00001' }],
      ['amount', { asset: 'USD', amount: '1000000001' }],
      ['amount', { asset: 'USD', amount: '-1000000001' }],
      ['amount', { asset: 'USD' }],
      ['cost', { asset: 'USD', amount: '1', cost: '1' }],
      ['cost', { asset: 'AAPL', amount: '1' }],
      ['cost', { asset: 'AAPL', amount: '-1', cost: '1' }],
      ['cost', { asset: 'AAPL', amount: '1', cost: '-1' }],
      ['reason', { asset: 'USD', amount: '1', reason: '' }],
      ['note', { asset: 'USD', amount: '1', note: 'x' }],
    ];
    for (const [field, body] of bad) {
      const answer = await ask(body);
      expectProblem(answer, 422, 42210000);
      expect(answer.body.detail, JSON.stringify(body)).to.include(field);
    }
  });
});
