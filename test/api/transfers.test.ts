import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import { lookAfterTransfers } from '../../src/funding/look-after-transfers.js';
import { receiveProviderEvent } from '../../src/funding/provider-events.js';
import { submitTransfers } from '../../src/funding/submit-transfers.js';
import type { ProviderEventType } from '../../src/domain/transfer-state.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { decide } from '../support/approvals.js';
import {
  clientOf,
  fundingClient,
  quiet,
  transferDeps,
  type FundingClient,
} from '../support/funding.js';
import { sessionOf } from '../support/session.js';
import { toldTo } from '../support/told.js';
import { startTrading, usd, type Trading } from '../support/trading.js';

describe('transfers over HTTP', () => {
  let trading: Trading;
  let api: Api;
  let next = 0;
  /** A client with 100,000 dollars that no other test touches. */
  let client: FundingClient;

  before(async () => {
    trading = await startTrading(24, {
      TRANSFER_MAX: '5000',
      DEPOSIT_DAILY_MAX: '10000',
      WITHDRAWAL_DAILY_MAX: '9000',
      TRANSFERS_PER_HOUR: '25',
    });
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
  const balance = () => trading.cash(client.account);
  const account = async () => (await api.call('GET', '/v2/account', { as: key() })).body;
  const get = (id: string) => api.call('GET', `/v2/transfers/${id}`, { as: key() });

  /** What the provider says of a transfer, without the way over its queue and HTTP. */
  const say = (id: string, sequence: number, type: ProviderEventType, amount: string) =>
    receiveProviderEvent(
      { ...trading.container, log: quiet, knex: knex(), nudgeNotifications: () => undefined },
      { id: uuidv7(), transferId: id, sequence, type, amount: usd(amount), reason: null },
      new Date(),
    );
  const settle = async (answer: Answer): Promise<string> => {
    const { id, amount } = answer.body as { id: string; amount: string };
    await submitTransfers(transferDeps(trading));
    await say(id, 1, 'accepted', amount);
    await say(id, 2, 'settled', amount);
    return id;
  };

  it('a deposit is credited when it settles, not before, and can be used at once', async () => {
    const answer = await client.transfer('INCOMING', '250.50');
    expect(answer.status).to.equal(201);
    expect(answer.body).to.include({
      account_id: client.accountId,
      bank_account_id: client.bankAccountId,
      type: 'ach',
      status: 'QUEUED',
      amount: '250.5',
      direction: 'INCOMING',
      reason: null,
      settled_at: null,
    });
    expect(await account()).to.include({ cash: '100000', pending_transfer_in: '250.5' });

    const id = await settle(answer);

    const { body } = await get(id);
    expect(body.status).to.equal('COMPLETE');
    expect(body.settled_at).to.be.a('string');
    expect(await account()).to.include({
      cash: '100250.5',
      buying_power: '100250.5',
      pending_transfer_in: '0',
    });
    const activities = await api.call('GET', '/v2/account/activities/CSD', { as: key() });
    expect(activities.body[0]).to.include({ net_amount: '250.5', description: 'Deposit' });
    expect(await trading.proof()).to.include({ balanced: true });
  });

  it('a withdrawal holds its amount at once, and leaves when it settles', async () => {
    const answer = await client.transfer('OUTGOING', '400');
    expect(answer.status).to.equal(201);
    expect(await account()).to.include({
      cash: '100000',
      buying_power: '99600',
      pending_transfer_out: '400',
    });
    await settle(answer);
    expect(await balance()).to.deep.equal({ cash: usd('99600'), held: 0n });
    const activities = await api.call('GET', '/v2/account/activities/CSW', { as: key() });
    expect(activities.body[0]).to.include({ net_amount: '-400', description: 'Withdrawal' });
  });

  it('a withdrawal needs a person with a second factor; a deposit may be a program', async () => {
    const call = (direction: string, options: object) =>
      api.call('POST', '/v2/transfers', {
        ...options,
        body: { direction, amount: '10', bank_account_id: client.bankAccountId },
      });
    const headers = { 'Idempotency-Key': uuidv7() };
    expect((await call('INCOMING', { as: key(), headers })).status).to.equal(201);
    const byKey = await call('OUTGOING', { as: key(), headers: { 'Idempotency-Key': uuidv7() } });
    expectProblem(byKey, 403, 40310000);
    const person = { id: await clientOf(trading, client.account), accountId: client.accountId };
    const plain = { ...(await sessionOf(trading, api, person)), 'Idempotency-Key': uuidv7() };
    const refused = await call('OUTGOING', { headers: plain });
    expectProblem(refused, 403, 40310000);
    expect(refused.body.step_up_required).to.equal(true);
    expect((await balance()).held).to.equal(0n);
    const refusals = await knex()('audit_entries').where({
      action: 'transfer.refuse',
      account_id: client.accountId,
    });
    expect(refusals).to.have.lengthOf(2);
  });

  it('need an Idempotency-Key, and take effect once with it', async () => {
    const body = { direction: 'INCOMING', amount: '10', bank_account_id: client.bankAccountId };
    const missing = await api.call('POST', '/v2/transfers', { as: key(), body });
    expectProblem(missing, 422, 42210000);
    expect(missing.body.detail).to.include('Idempotency-Key');
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => client.transfer('OUTGOING', '100', 'the same key')),
    );
    expect(new Set(answers.map((answer) => answer.body.id)).size).to.equal(1);
    expect((await balance()).held).to.equal(usd('100'));
    expectProblem(await client.transfer('OUTGOING', '101', 'the same key'), 422, 42210000);
  });

  it('are refused below the least, above the most, and in parts of a cent', async () => {
    for (const amount of ['0.99', '5000.01', '0', '-5', '10.001']) {
      const answer = await client.transfer('INCOMING', amount);
      expectProblem(answer, 422, 42210020);
      expect(answer.body).to.include({ min: '1', max: '5000' });
    }
  });

  for (const [direction, code, limit] of [
    ['INCOMING', 40310021, 10_000],
    ['OUTGOING', 40310022, 9_000],
  ] as const) {
    it(`${direction} of a day never come to more than the limit, however many at once`, async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => client.transfer(direction, '1000')),
      );
      const accepted = answers.filter(({ status }) => status === 201);
      expect(accepted).to.have.lengthOf(limit / 1_000);
      const refused = answers.find(({ status }) => status !== 201)!;
      expectProblem(refused, 403, code);
      expect(refused.body).to.include({
        limit: String(limit),
        used: String(limit),
        available: '0',
      });
      await api.call('DELETE', `/v2/transfers/${accepted[0]!.body.id}`, { as: key() });
      expect((await client.transfer(direction, '1000')).status).to.equal(201);
    });
  }

  it('are refused beyond so many an hour, with the time to wait', async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => client.transfer('INCOMING', '1')),
    );
    expect(answers.filter(({ status }) => status === 201)).to.have.lengthOf(25);
    const refused = answers.find(({ status }) => status !== 201)!;
    expectProblem(refused, 429, 42910020);
    expect(refused.body).to.include({ limit: 25, used: 25, available: 0 });
    expect(Number(refused.headers.get('retry-after'))).to.be.within(3_500, 3_600);
    const hourAgo = new Date(Date.now() - 3_600_001);
    await trading.asOwner(
      `update transfers set created_at = '${hourAgo.toISOString()}'
       where account_id = '${client.accountId}'`,
    );
    expect((await client.transfer('INCOMING', '1')).status).to.equal(201);
  });

  it('as deposits stop for a day after three that failed', async () => {
    for (let n = 0; n < 3; n += 1) {
      const { body } = await client.transfer('INCOMING', '20');
      await submitTransfers(transferDeps(trading));
      await say(body.id as string, 1, 'failed', '20');
    }
    const refused = await client.transfer('INCOMING', '20');
    expectProblem(refused, 403, 40310023);
    expect(refused.body).to.include({ reason: 'failed_deposits', limit: 3, used: 3 });
    expect((await client.transfer('OUTGOING', '20')).status).to.equal(201);
  });

  it('as 25 withdrawals beside 25 orders at once never overdraw', async () => {
    await trading.place({ account: client.account, side: 'buy', qty: '990', price: '100' });
    await Promise.all([
      ...Array.from({ length: 25 }, () => client.transfer('OUTGOING', '300')),
      ...Array.from({ length: 25 }, () =>
        api.call('POST', '/v2/orders', {
          as: key(),
          body: {
            symbol: 'MSFT',
            qty: '1',
            side: 'buy',
            type: 'limit',
            limit_price: '300',
            time_in_force: 'day',
          },
        }),
      ),
    ]);
    const { cash, held } = await balance();
    expect(cash).to.equal(usd('100000'));
    expect(held <= cash).to.equal(true);
    expect(held).to.equal(usd('99900')); // 99,000 for the order, three times 300
    const refused = await client.transfer('OUTGOING', '300');
    expectProblem(refused, 403, 40310024);
    expect(refused.body).to.include({ available: '100', held: '99900', cash: '100000' });
  });

  it('can be canceled until they are sent, and hold nothing then', async () => {
    const { body: withdrawal } = await client.transfer('OUTGOING', '70');
    const cancel = (id: string) => api.call('DELETE', `/v2/transfers/${id}`, { as: key() });
    expect((await cancel(withdrawal.id as string)).status).to.equal(204);
    expect(await balance()).to.deep.equal({ cash: usd('100000'), held: 0n });
    expect((await get(withdrawal.id as string)).body.status).to.equal('CANCELED');
    const { body: sent } = await client.transfer('OUTGOING', '80');
    await submitTransfers(transferDeps(trading));
    const late = await cancel(sent.id as string);
    expectProblem(late, 422, 42210000);
    expect(late.body.transfer_status).to.equal('SENT_TO_CLEARING');
    expect((await balance()).held).to.equal(usd('80'));
    await say(sent.id as string, 1, 'failed', '80');
    expect(await balance()).to.deep.equal({ cash: usd('100000'), held: 0n });
  });

  it("of another client are not there, and lists have one's own, page by page", async () => {
    const other = await fundingClient(trading, api, next++);
    const mine: string[] = [];
    for (const amount of ['1', '2', '3']) {
      mine.push((await client.transfer('INCOMING', amount)).body.id as string);
    }
    const path = `/v2/transfers/${mine[0]!}`;
    const headers = other.session;
    const missing = `/v2/transfers/${uuidv7()}`;
    const theirs = await api.call('GET', path, { headers });
    expectProblem(theirs, 404, 40410000);
    expect(theirs.body.detail).to.equal((await api.call('GET', missing, { headers })).body.detail);
    expectProblem(await api.call('DELETE', path, { headers }), 404, 40410000);
    expectProblem(await api.call('DELETE', missing, { headers }), 404, 40410000);
    const stolen = await api.call('POST', '/v2/transfers', {
      headers: { ...headers, 'Idempotency-Key': 'stolen' },
      body: { direction: 'OUTGOING', amount: '1', bank_account_id: client.bankAccountId },
    });
    expectProblem(stolen, 404, 40410000);

    const list = async (query: string) =>
      (await api.call('GET', `/v2/transfers${query}`, { as: key() })).body as { id: string }[];
    const ids = async (query: string) => (await list(query)).map(({ id }) => id);
    expect(await ids('')).to.deep.equal(mine.toReversed());
    expect(await ids('?limit=2')).to.deep.equal([mine[2], mine[1]]);
    expect(await ids(`?limit=2&page_token=${mine[1]!}`)).to.deep.equal([mine[0]]);
    expect(await ids('?direction=OUTGOING')).to.deep.equal([]);
    expect(await ids('?status=COMPLETE')).to.deep.equal([]);
    expect(await ids('?status=queued,complete')).to.have.lengthOf(3);
  });

  it('are blocked for a client who is restricted, and what waits is not sent', async () => {
    const waiting = await client.transfer('OUTGOING', '30');
    const admin = await createPerson(trading, { role: 'admin', scopes: ['read', 'admin'] });
    expect((await account()).transfers_blocked).to.equal(false);
    await api.call('PUT', `/v2/admin/accounts/${client.accountId}/restriction`, {
      as: admin,
      body: { reason: 'test' },
    });
    expect((await account()).transfers_blocked).to.equal(true);
    expectProblem(await client.transfer('INCOMING', '30'), 403, 40310020);
    await submitTransfers(transferDeps(trading));
    const { body } = await get(waiting.body.id as string);
    expect(body).to.include({ status: 'CANCELED', reason: 'account_restricted' });
    expect((await balance()).held).to.equal(0n);
  });

  it('tell the client by mail how they ended', async () => {
    await settle(await client.transfer('INCOMING', '12.34'));
    const { body } = await client.transfer('OUTGOING', '43.21');
    await submitTransfers(transferDeps(trading));
    await say(body.id as string, 1, 'failed', '43.21');
    const told = await toldTo(trading, await clientOf(trading, client.account));
    expect(
      told.map(({ event, data, hasMail }) => [event, data['direction'], data['amount'], hasMail]),
    ).to.deep.equal([
      ['transfer.settled', 'deposit', '12.34', true],
      ['transfer.failed', 'withdrawal', '43.21', true],
    ]);
  });

  describe('staff', () => {
    const staff = (role: 'ops' | 'compliance' | 'admin') =>
      createPerson(trading, { role, scopes: ['read', 'admin'] });
    const askToReverse = (id: string, as: Call['as'], reason = 'sent by mistake') =>
      api.call('POST', `/v2/admin/transfers/${id}/reverse`, { as, body: { reason } });
    /** By two people. */
    const reverse = async (id: string, reason = 'sent by mistake') => {
      const waiting = await askToReverse(id, await staff('compliance'), reason);
      expect(waiting.status).to.equal(202);
      return decide(api, await staff('admin'), waiting);
    };
    const transferOf = async (id: string) =>
      (await api.call('GET', `/v2/admin/transfers/${id}`, { as: await staff('ops') })).body;
    type Call = Parameters<Api['call']>[2] & object;

    it('reverse a settled transfer once, booked the other way round, by two people', async () => {
      const deposit = await settle(await client.transfer('INCOMING', '500'));
      const withdrawal = await settle(await client.transfer('OUTGOING', '200'));
      expect(await balance()).to.deep.equal({ cash: usd('100300'), held: 0n });

      const asker = await staff('admin');
      const waiting = await Promise.all([1, 2, 3].map(() => askToReverse(deposit, asker)));
      expect(waiting.map(({ status }) => status)).to.deep.equal([202, 202, 202]);
      expectProblem(await decide(api, asker, waiting[0]!), 403, 40310000);
      expectProblem(await decide(api, await staff('ops'), waiting[0]!), 403, 40310000);
      expect(await balance()).to.deep.equal({ cash: usd('100300'), held: 0n });
      const officer = await staff('compliance');
      const decided = await Promise.all(waiting.map((one) => decide(api, officer, one)));
      expect(decided.map(({ body }) => body.status as string).sort()).to.deep.equal([
        'approved',
        'failed',
        'failed',
      ]);
      const done = await transferOf(deposit);
      expect(done).to.include({ status: 'RETURNED', owed: '0', reason: 'sent by mistake' });
      expect((await reverse(withdrawal)).body).to.include({ status: 'approved' });

      expect(await balance()).to.deep.equal({ cash: usd('100000'), held: 0n });
      expect(await trading.proof()).to.include({ balanced: true });
      const { body } = await api.call('GET', '/v2/account/activities', { as: key() });
      const activities = body as { net_amount: string; description: string }[];
      expect(activities[0]).to.include({ description: 'Transfer returned' });
      const amounts = activities.map((one) => one.net_amount);
      expect(amounts.slice(0, 4)).to.deep.equal(['200', '-500', '-200', '500']);
      await say(deposit, 3, 'returned', '500'); // the provider, too
      expect((await balance()).cash).to.equal(usd('100000'));
    });

    it('may not reverse without the role, an open one, or their own', async () => {
      const deposit = await settle(await client.transfer('INCOMING', '500'));
      expectProblem(await askToReverse(deposit, await staff('ops')), 403, 40310000);
      expectProblem(await askToReverse(deposit, key()), 403, 40310000);
      const open = await client.transfer('INCOMING', '5');
      const admin = await staff('admin');
      expectProblem(await askToReverse(open.body.id as string, admin), 422, 42210000);
      expectProblem(await askToReverse(uuidv7(), admin), 404, 40410000);
      const clientId = await clientOf(trading, client.account);
      await knex()('clients').where({ id: clientId }).update({ role: 'admin' });
      const own = await sessionOf(trading, api, { id: clientId, role: 'admin' });
      const refused = await api.call('POST', `/v2/admin/transfers/${deposit}/reverse`, {
        headers: own,
        body: { reason: 'mine' },
      });
      expectProblem(refused, 403, 40310000);
      expect((await balance()).cash).to.equal(usd('100500'));
    });

    it('see what a client owes when the money is gone; it is collected once it is there', async () => {
      const deposit = await settle(await client.transfer('INCOMING', '1000'));
      await trading.place({
        account: client.account,
        side: 'buy',
        qty: '1004',
        price: '100',
        symbol: 'AAPL',
      });
      expect((await reverse(deposit, 'charged back')).body.result).to.include({ owed: '400' });
      expect(await transferOf(deposit)).to.include({ status: 'RETURNED', owed: '400' });
      expect(await balance()).to.deep.equal({ cash: usd('100400'), held: usd('100400') });
      expect(await trading.proof()).to.include({ balanced: true });
      expect((await account()).transfers_blocked).to.equal(true);
      const order = {
        symbol: 'MSFT',
        qty: '1',
        side: 'sell',
        type: 'market',
        time_in_force: 'day',
      };
      expectProblem(
        await api.call('POST', '/v2/orders', { as: key(), body: order }),
        403,
        40310011,
      );

      await api.call('DELETE', '/v2/orders', { as: key() });
      await trading.settle();
      await Promise.all([1, 2].map(() => lookAfterTransfers(transferDeps(trading))));

      expect(await balance()).to.deep.equal({ cash: usd('100000'), held: 0n });
      const ops = await staff('ops');
      const { body } = await api.call('GET', `/v2/admin/transfers/${deposit}`, { as: ops });
      expect(body.owed).to.equal('0');
      const events = body.events as { type: string }[];
      expect(events.map(({ type }) => type)).to.deep.equal([
        'requested',
        'sent',
        'accepted',
        'settled',
        'reversed',
      ]);
      expect(await trading.proof()).to.include({ balanced: true });
    });

    it('find all transfers by account, status and trouble', async () => {
      const ops = await staff('ops');
      const id = await settle(await client.transfer('INCOMING', '600'));
      await say(id, 3, 'failed', '600');
      const list = async (query: string) =>
        (await api.call('GET', `/v2/admin/transfers?${query}`, { as: ops })).body;
      const byAccount = await list(`account_id=${client.accountId}`);
      expect(byAccount.transfers).to.have.lengthOf(1);
      expect(byAccount.transfers[0]).to.include({ id, status: 'COMPLETE', disputed: true });
      expect(byAccount.next_page_token).to.equal(null);
      expect(
        (await list(`disputed=true&account_id=${client.accountId}`)).transfers,
      ).to.have.lengthOf(1);
      expect((await list('limit=1')).next_page_token).to.be.a('string');
      expectProblem(await api.call('GET', '/v2/admin/transfers', { as: key() }), 403, 40310000);
      expect((await balance()).cash).to.equal(usd('100600'));
    });
  });
});
