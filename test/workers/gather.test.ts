import { expect } from 'chai';
import fc from 'fast-check';
import { connectDatabase, type Database } from '../../src/db.js';
import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../../src/domain/money.js';
import { nextGatherAt } from '../../src/notifications/gather.js';
import { createTestDatabase } from '../support/database.js';
import { later, Notified, NOW, shares, usd } from './notified.js';

const WINDOW_MS = 10_000;

describe('gathering facts into messages', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let db: Database;
  let build: Notified;

  before(async function () {
    this.timeout(60_000);
    database = await createTestDatabase();
    db = connectDatabase(database.url, 'gather-test');
    build = await Notified.in(db.knex);
  });
  after(async () => {
    await db.close();
    database.drop();
  });
  beforeEach(() => build.clear());

  const gatherAt = (ms: number) => build.gather({ now: () => later(ms) });
  const messageOf = async (factId: bigint): Promise<string | null> => {
    const row = await db
      .knex('notifications')
      .where({ id: factId.toString() })
      .first<{ message_id: string | null }>('message_id');
    return row.message_id;
  };

  it('tells partial fills of a window as one message, with totals, average price and fees', async () => {
    const ada = await build.account();
    const terms = { accountId: ada.id, orderId: await build.order(ada.id) };
    const ids = [
      await build.fact({ ...terms, executions: 2, qty: '2', value: '300.5', fees: '0.1' }),
      await build.fact({ ...terms, qty: '1', value: '150', fees: '0.05', at: later(9_000) }),
    ];
    expect(await gatherAt(WINDOW_MS - 1)).to.equal(0);
    expect(await nextGatherAt(db.knex, WINDOW_MS)).to.deep.equal(later(WINDOW_MS));
    expect(await gatherAt(WINDOW_MS)).to.equal(1);
    const [message, ...others] = await build.messagesOf(ada);
    expect(others).to.deep.equal([]);
    expect(message).to.include({ event: 'order.partially_filled', number: 1n });
    expect(message!.happened_at).to.deep.equal(NOW);
    expect(message!.data).to.include({
      executions: 3,
      executed_qty: '3',
      value: '450.5',
      fees: '0.15',
      average_price: '150.166667',
      status: 'partially_filled',
    });
    expect(await Promise.all(ids.map(messageOf))).to.deep.equal([message!.id, message!.id]);
    expect(await nextGatherAt(db.knex, WINDOW_MS)).to.equal(null);
  });

  for (const status of ['filled', 'canceled', 'expired', 'replaced']) {
    it(`closes the group at once when the order is ${status}, with all that is open of it`, async () => {
      const ada = await build.account();
      const terms = { accountId: ada.id, orderId: await build.order(ada.id) };
      await build.fact(terms);
      expect(await gatherAt(1)).to.equal(0);
      await build.fact({ ...terms, status, at: later(2) });
      await build.fact({ accountId: ada.id }); // of another order
      expect(await gatherAt(3)).to.equal(1);
      const [message] = await build.messagesOf(ada);
      const event = status === 'replaced' ? 'partially_filled' : status;
      expect(message).to.include({ event: `order.${event}` });
      expect(message!.data).to.include({ executions: 2, executed_qty: '4', status });
    });
  }

  it('tells of orders that came to the market or ended without an execution', async () => {
    const ada = await build.account();
    for (const status of ['rejected', 'canceled', 'expired', 'new']) {
      await build.fact({ accountId: ada.id, executions: 0, status });
    }
    expect(await gatherAt(0)).to.equal(3);
    expect(await gatherAt(WINDOW_MS)).to.equal(1);
    const messages = await build.messagesOf(ada);
    const told = messages.map(({ event, data }) => [event, data.executions, data.average_price]);
    expect(told).to.deep.equal([
      ['order.rejected', 0, null],
      ['order.canceled', 0, null],
      ['order.expired', 0, null],
      ['order.accepted', 0, null],
    ]);
    const mailed = await Promise.all(messages.map(({ id }) => build.delivery(id)));
    expect(mailed.map((row) => row !== undefined)).to.deep.equal([true, true, true, false]);
  });

  it('mails no executions while trade_confirm_email is none, and shows them in the app', async () => {
    const ada = await build.account();
    const settings = { account_id: ada.id, trade_confirm_email: 'none' };
    await db.knex('account_configurations').insert(settings);
    await build.fact({ accountId: ada.id, status: 'filled' });
    await build.fact({ accountId: ada.id, status: 'rejected', executions: 0 });
    await gatherAt(0);
    const [filled, rejected] = await build.messagesOf(ada);
    expect(filled).to.include({ event: 'order.filled', number: 1n });
    expect(await build.delivery(filled!.id)).to.equal(undefined);
    expect(await build.delivery(rejected!.id)).not.to.equal(undefined);
  });

  it('mails executions also when they are told with an end that is not to be mailed', async () => {
    const ada = await build.account();
    await db.knex('notification_preferences').insert({
      client_id: ada.clientId,
      event: 'order.canceled',
      channel: 'email',
      wanted: false,
      updated_at: NOW,
    });
    await build.fact({ accountId: ada.id, status: 'canceled' });
    await build.fact({ accountId: ada.id, status: 'canceled', executions: 0 });
    await gatherAt(0);
    const messages = await build.messagesOf(ada);
    const mailed = await Promise.all(messages.map(({ id }) => build.delivery(id)));
    expect(mailed.map((row) => row !== undefined)).to.deep.equal([true, false]);
  });

  it('loses and doubles nothing, however fills fall into passes and times', async function () {
    this.timeout(30_000);
    const fill = fc.record({
      order: fc.integer({ min: 0, max: 2 }),
      executions: fc.integer({ min: 0, max: 3 }),
      qty: fc.integer({ min: 1, max: 1_000 }),
      value: fc.integer({ min: 1, max: 100_000 }),
      fees: fc.integer({ min: 0, max: 100 }),
      status: fc.constantFrom('new', 'partially_filled', 'partially_filled', 'filled', 'canceled'),
      pauseMs: fc.constantFrom(0, 100, 4_000, 11_000),
      gathers: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fill, { minLength: 1, maxLength: 12 }), async (fills) => {
        const ada = await build.account();
        const event = 'order.accepted';
        const choice = { event, channel: 'in_app', wanted: true, updated_at: NOW };
        await db.knex('notification_preferences').insert({ client_id: ada.clientId, ...choice });
        const orders = await Promise.all([0, 1, 2].map(() => build.order(ada.id)));
        const sum = { executions: 0, qty: 0n, value: 0n, fees: 0n };
        let ms = 0;
        for (const { order, pauseMs, gathers, ...one } of fills) {
          ms += pauseMs;
          const [qty, value, fees] = [BigInt(one.qty), BigInt(one.value), BigInt(one.fees)];
          await build.fact({
            accountId: ada.id,
            orderId: orders[order]!,
            executions: one.executions,
            qty: formatDecimal(qty, QTY_SCALE),
            value: formatDecimal(value, PRICE_SCALE),
            fees: formatDecimal(fees, PRICE_SCALE),
            status: one.status,
            at: later(ms),
          });
          if (one.executions > 0) {
            sum.executions += one.executions;
            sum.qty += qty;
            sum.value += value;
            sum.fees += fees;
          }
          if (gathers) await gatherAt(ms);
        }
        await gatherAt(ms + WINDOW_MS);
        const messages = await build.messagesOf(ada);
        const told = messages.reduce(
          (all, { data }) => ({
            executions: all.executions + data.executions,
            qty: all.qty + shares(data.executed_qty),
            value: all.value + usd(data.value),
            fees: all.fees + usd(data.fees),
          }),
          { executions: 0, qty: 0n, value: 0n, fees: 0n },
        );
        expect(told).to.deep.equal(sum);
        const numbers = messages.map(({ number }) => Number(number));
        expect(numbers).to.deep.equal(numbers.map((_, index) => index + 1));
        const facts = await db
          .knex('notifications as n')
          .leftJoin('messages as m', 'm.id', 'n.message_id')
          .where({ 'n.account_id': ada.id })
          .select<{ order: string; told: string | null }[]>(
            'n.order_id as order',
            db.knex.raw(`m.data->>'order_id' as told`),
          );
        expect(facts).to.have.length(fills.length);
        for (const fact of facts) expect(fact.told).to.equal(fact.order);
        expect(new Set(facts.map(({ told: one }) => one)).size).to.be.at.most(messages.length);
      }),
      { numRuns: 25 },
    );
  });

  it('tells each fact once when several workers gather at a time', async () => {
    const people = await Promise.all(Array.from({ length: 5 }, () => build.account()));
    for (const { id } of [...people, ...people, ...people]) {
      await build.fact({ accountId: id, status: 'filled' });
    }
    const written = await Promise.all([1, 2, 3].map(() => gatherAt(0)));
    expect(written.reduce((sum, one) => sum + one)).to.equal(15);
    for (const person of people) {
      const numbers = (await build.messagesOf(person)).map(({ number }) => number);
      expect(numbers).to.deep.equal([1n, 2n, 3n]);
    }
  });

  it('announces whose messages are new, after they can be read', async () => {
    const ada = await build.account();
    await build.fact({ accountId: ada.id, status: 'filled' });
    const announced: string[] = [];
    let mails = 0;
    await build.gather({
      announce: (clientIds) => announced.push(...clientIds),
      nudgeMails: () => (mails += 1),
    });
    expect(announced).to.deep.equal([ada.clientId]);
    expect(mails).to.equal(1);
  });
});
