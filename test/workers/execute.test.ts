import { expect } from 'chai';
import knexFactory from 'knex';
import { staleFences } from '../../src/metrics.js';
import * as sql from '../../src/orders/execute-statements.js';
import { MAKER_ACCOUNT } from '../../src/ledger/house.js';
import { shares, startTrading, toRequest, usd, type Trading } from '../support/trading.js';

describe('execution', () => {
  let trading: Trading;

  beforeEach(async () => {
    trading = await startTrading(4);
  });
  afterEach(() => trading.stop());

  const aaplShard = () => trading.container.catalog.find('AAPL')!.shard;

  it('trades at the resting price and gives the buyer the improvement back', async () => {
    const sell = await trading.place({ account: 0, side: 'sell', qty: '5', price: '150' });
    const buy = await trading.place({ account: 1, side: 'buy', qty: '5', price: '155' });
    expect(await trading.cash(1)).to.deep.equal({ cash: usd('100000'), held: usd('775') });

    await trading.settle();

    expect(await trading.order(sell)).to.include({ status: 'filled', hold: 0n });
    expect(await trading.order(buy)).to.include({ status: 'filled', filledValue: usd('750') });
    expect(await trading.cash(1)).to.deep.equal({ cash: usd('99250'), held: 0n });
    expect(await trading.cash(0)).to.deep.equal({ cash: usd('100750'), held: 0n });
    expect(await trading.position(0, 'AAPL')).to.include({ qty: shares('995'), held: 0n });
    expect(await trading.position(1, 'AAPL')).to.include({ qty: shares('1005') });
    expect(await trading.proof()).to.include({ balanced: true, mismatchedBalances: 0 });
  });

  it('settles an order once, however often and by however many it is delivered', async () => {
    await trading.place({ account: 0, side: 'sell', qty: '3', price: '150' });
    const buy = await trading.place({ account: 1, side: 'buy', qty: '5', price: '150' });
    const others = [trading.otherExecutor(), trading.otherExecutor()];

    const everybody = [trading.container.executor, ...others];
    await Promise.all(everybody.flatMap((one) => [1, 2, 3].map(() => one.drain(aaplShard(), 'j'))));

    expect(await trading.order(buy)).to.include({
      status: 'partially_filled',
      filledQty: shares('3'),
      hold: usd('300'),
    });
    const executions = await trading.container.db.knex('executions');
    expect(executions).to.have.length(1);
    expect(await trading.proof()).to.include({ balanced: true });
  });

  it('refuses a worker whose claim on the shard is no longer the newest', async () => {
    await trading.place({ account: 0, side: 'sell', qty: '1', price: '150' });
    const { executor, db } = trading.container;
    const before = (await staleFences.get()).values[0]?.value ?? 0;
    // The worker is stopped between its claim and its transaction; another one claims the shard.
    const run = db.run.bind(db);
    db.run = (async (statement, values) => {
      const rows = await run(statement, values);
      if (statement === sql.CLAIM_SHARDS) await run(statement, values);
      return rows;
    }) as typeof db.run;
    await executor.drain(aaplShard(), 'stopped');
    db.run = run;

    expect((await staleFences.get()).values[0]?.value).to.equal(before + 1);
    expect(await db.knex('work_items')).to.have.length(1);
    await executor.drain(aaplShard(), 'again');
    expect(await db.knex('work_items')).to.have.length(0);
  });

  it('runs a pass again, from the start, when Postgres makes it give way', async () => {
    const { container } = trading;
    const owner = knexFactory({ client: 'pg', connection: container.config.databaseUrl });
    try {
      // The first three updates of orders end like the victim of a deadlock.
      await owner.raw(`
        create sequence attempts; grant usage on sequence attempts to public;
        create function give_way() returns trigger language plpgsql as $$ begin
          if nextval('attempts') <= 3 then raise exception 'victim' using errcode = '40P01'; end if;
          return null;
        end $$;
        create trigger give_way before update on orders
          for each statement execute function give_way()`);
      const sell = await trading.place({ account: 0, side: 'sell', qty: '1', price: '150' });
      await trading.place({ account: 1, side: 'buy', qty: '1', price: '150' });
      await trading.settle();
      expect(await trading.order(sell)).to.include({ status: 'filled' });
      expect(await trading.proof()).to.include({ balanced: true, mismatchedBalances: 0 });
      const { last_value: attempts } = (await owner('attempts').first()) as { last_value: string };
      expect(Number(attempts)).to.equal(4);
    } finally {
      await owner.destroy();
    }
  });

  it('gives up an order that cannot be settled, and nothing else', async () => {
    const sell = await trading.place({ account: 0, side: 'sell', qty: '2', price: '150' });
    const bad = await trading.place({ account: 1, side: 'buy', qty: '1', price: '150' });
    const good = await trading.place({ account: 2, side: 'buy', qty: '1', price: '150' });
    await trading.asOwner(`
      create function refuse() returns trigger language plpgsql as $$ begin
        if new.id = '${bad.id}' and new.filled_qty > 0 then
          raise exception 'bad data' using errcode = '22003';
        end if;
        return new;
      end $$;
      create trigger refuse before update on orders for each row execute function refuse()`);
    await trading.settle();
    expect(await trading.order(bad)).to.include({
      status: 'rejected',
      reason: 'internal_error',
      hold: 0n,
    });
    expect(await trading.order(good)).to.include({ status: 'filled' });
    expect(await trading.order(sell)).to.include({ status: 'partially_filled' });
    expect(await trading.container.db.knex('work_items')).to.have.length(0);
    expect(await trading.proof()).to.include({ balanced: true, mismatchedBalances: 0 });
  });

  it('serves other shards while one of them has more than a pass can take', async () => {
    const [aapl, msft] = ['AAPL', 'MSFT'].map((one) => trading.container.catalog.find(one)!.shard);
    expect(aapl).not.to.equal(msft);
    await Promise.all(
      Array.from({ length: 2_500 }, (_, index) =>
        trading.place({ account: index % 4, side: 'buy', qty: '0.01', price: '1' }),
      ),
    );
    const { executor } = trading.container;
    const ended: string[] = [];
    const long = executor.drain(aapl!, 'long').then(() => ended.push('AAPL'));
    await new Promise((resolve) => setTimeout(resolve, 30)); // its first pass is under way
    await trading.place({ account: 0, side: 'buy', qty: '1', price: '1', symbol: 'MSFT' });
    await Promise.all([long, executor.drain(msft!, 'short').then(() => ended.push('MSFT'))]);
    expect(ended).to.deep.equal(['MSFT', 'AAPL']);
    expect(await trading.container.db.knex('work_items')).to.have.length(0);
  });

  it('keeps the reason and the time of a close when a cancellation comes too late', async () => {
    const market = await trading.place({ account: 0, side: 'buy', qty: '1' });
    await trading.container.intake.cancel(market.accountId, market.id);
    await trading.settle();
    const order = await trading.order(market);
    expect(order).to.include({ status: 'canceled', reason: 'no_liquidity' });
    const late = await trading.place({ account: 0, side: 'buy', qty: '1' });
    const { executor } = trading.container;
    const draining = executor.drain(aaplShard(), 'close');
    await trading.container.intake.cancel(late.accountId, late.id).catch(() => undefined);
    await draining;
    const closed = (await trading.order(late)).closedAt;
    await trading.settle();
    expect((await trading.order(late)).reason).to.equal('no_liquidity');
    expect((await trading.order(late)).closedAt).to.deep.equal(closed);
  });

  it('numbers the events of an account without a gap', async () => {
    await trading.place({ account: 0, side: 'sell', qty: '2', price: '150' });
    await trading.place({ account: 1, side: 'buy', qty: '1' });
    await trading.settle();
    await trading.place({ account: 1, side: 'buy', qty: '1', price: '150' });
    await trading.settle();
    const rows = (await trading.container.db
      .knex('account_events')
      .where({ account_id: trading.accounts[1]!.account_id })
      .orderBy('event_id')) as { event_id: bigint; type: string }[];
    expect(rows.map(({ event_id: id }) => id)).to.deep.equal([1n, 2n, 3n, 4n, 5n, 6n]);
    expect(rows.map(({ type }) => type)).to.deep.equal([
      ...['pending_new', 'new', 'fill'],
      ...['pending_new', 'new', 'fill'],
    ]);
  });

  it('fills a market order at the best prices and cancels what nobody offers', async () => {
    await trading.place({ account: 0, side: 'sell', qty: '1', price: '151' });
    await trading.place({ account: 2, side: 'sell', qty: '1', price: '150' });
    const market = await trading.place({ account: 1, side: 'buy', qty: '5' });
    await trading.settle();
    const order = await trading.order(market);
    expect(order).to.include({ status: 'canceled', reason: 'no_liquidity', hold: 0n });
    expect(order.filledValue).to.equal(usd('301'));
    expect(await trading.cash(1)).to.deep.equal({ cash: usd('99699'), held: 0n });
  });

  it('fills a market order also where the book has moved away from the last price', async () => {
    await trading.place({ account: 0, side: 'sell', qty: '1', price: '200' });
    await trading.settle();
    const market = await trading.place({ account: 1, side: 'buy', qty: '1' });
    await trading.settle();
    expect(await trading.order(market)).to.include({ status: 'filled', filledValue: usd('200') });
  });

  it('fills a fill-or-kill over several counterparties, or not at all', async () => {
    await trading.place({ account: 0, side: 'sell', qty: '2', price: '150' });
    await trading.place({ account: 2, side: 'sell', qty: '2', price: '151' });
    const fok = { account: 1, side: 'buy', price: '151', timeInForce: 'fok' } as const;
    const tooMuch = await trading.place({ ...fok, qty: '5' });
    const exact = await trading.place({ ...fok, qty: '4' });
    await trading.settle();
    expect(await trading.order(tooMuch)).to.include({
      status: 'canceled',
      filledQty: 0n,
      hold: 0n,
    });
    expect(await trading.order(exact)).to.include({ status: 'filled', filledValue: usd('602') });
  });

  it('does not let an account trade with itself', async () => {
    const resting = await trading.place({ account: 0, side: 'sell', qty: '1', price: '150' });
    const own = await trading.place({ account: 0, side: 'buy', qty: '1', price: '150' });
    await trading.settle();
    expect(await trading.order(own)).to.include({ status: 'canceled', reason: 'self_trade' });
    expect(await trading.order(resting)).to.include({ status: 'new' });
  });

  it('takes a share of the cost basis along with what is sold', async () => {
    expect((await trading.position(0, 'AAPL')).cost).to.equal(usd('150000'));
    await trading.place({ account: 0, side: 'sell', qty: '250', price: '160' });
    await trading.place({ account: 1, side: 'buy', qty: '250', price: '160' });
    await trading.settle();
    expect((await trading.position(0, 'AAPL')).cost).to.equal(usd('112500'));
    expect((await trading.position(1, 'AAPL')).cost).to.equal(usd('190000'));
  });

  it('cancels in sequence: what was accepted before it still fills first', async () => {
    const sell = await trading.place({ account: 0, side: 'sell', qty: '2', price: '150' });
    await trading.place({ account: 1, side: 'buy', qty: '1', price: '150' });
    await trading.container.intake.cancel(sell.accountId, sell.id);
    const late = await trading.place({ account: 2, side: 'buy', qty: '1', price: '150' });
    await trading.settle();
    expect(await trading.order(sell)).to.include({
      status: 'canceled',
      filledQty: shares('1'),
      hold: 0n,
    });
    expect(await trading.order(late)).to.include({ status: 'new' });
    expect(await trading.position(0, 'AAPL')).to.include({ held: 0n });
  });

  it('rejects a cancellation that comes after the fill, and says so in an event', async () => {
    const sell = await trading.place({ account: 0, side: 'sell', qty: '1', price: '150' });
    await trading.place({ account: 1, side: 'buy', qty: '1', price: '150' });
    await trading.container.intake.cancel(sell.accountId, sell.id);
    await trading.settle();
    expect(await trading.order(sell)).to.include({ status: 'filled', pending: null });
    const last = (await trading.container.db
      .knex('account_events')
      .where({ account_id: sell.accountId })
      .orderBy('event_id', 'desc')
      .first()) as { type: string };
    expect(last.type).to.equal('order_cancel_rejected');
  });

  it('writes one notification an order for all its executions of a batch', async () => {
    await trading.place({ account: 0, side: 'sell', qty: '1', price: '150' });
    await trading.place({ account: 2, side: 'sell', qty: '1', price: '150' });
    const buy = await trading.place({ account: 1, side: 'buy', qty: '2', price: '150' });
    await trading.settle();
    const rows = (await trading.container.db.knex('notifications').where({ order_id: buy.id })) as {
      executions: number;
      qty: bigint;
    }[];
    expect(rows).to.have.length(1);
    expect(rows[0]).to.include({ executions: 2, qty: shares('2') });
  });

  it('notifies clients of their executions, and not the house', async () => {
    const { intake, db } = trading.container;
    const quote = toRequest({ account: 0, side: 'buy', qty: '1', price: '150' }, trading.accounts);
    await trading.asOwner(`update accounts set cash = 1000000000 where id = '${MAKER_ACCOUNT}'`);
    await intake.place({ ...quote, accountId: MAKER_ACCOUNT });
    const sell = await trading.place({ account: 1, side: 'sell', qty: '1', price: '150' });
    await trading.settle();
    expect(await trading.order(sell)).to.include({ status: 'filled' });
    expect(await db.knex('notifications').pluck('account_id')).to.deep.equal([sell.accountId]);
  });
});

describe('fees', () => {
  it('go from both sides to the house, within the hold, and the ledger balances', async () => {
    const trading = await startTrading(2, { FEE_BPS: '10' });
    try {
      await trading.place({ account: 0, side: 'sell', qty: '3', price: '150' });
      await trading.place({ account: 1, side: 'buy', qty: '3', price: '150' });
      expect((await trading.cash(1)).held).to.equal(usd('450.45'));
      await trading.settle();
      expect(await trading.cash(1)).to.deep.equal({ cash: usd('99549.55'), held: 0n });
      expect(await trading.cash(0)).to.deep.equal({ cash: usd('100449.55'), held: 0n });
      expect((await trading.position(1, 'AAPL')).cost).to.equal(usd('150450.45'));
      expect(await trading.proof()).to.include({ balanced: true });
    } finally {
      await trading.stop();
    }
  });
});
