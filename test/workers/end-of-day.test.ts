import { expect } from 'chai';
import type { Knex } from 'knex';
import { EXTERNAL_ACCOUNT, USD } from '../../src/ledger/house.js';
import { postJournals, type JournalEntry } from '../../src/ledger/post.js';
import { lastEndOfDay, missedEndsOfDay } from '../../src/metrics.js';
import type { MarketHours } from '../../src/domain/clock.js';
import { formatDecimal, QTY_SCALE } from '../../src/domain/money.js';
import { findDueDays, GRACE_MS } from '../../src/statements/due-days.js';
import { runEndOfDay } from '../../src/statements/end-of-day.js';
import { rewind } from '../support/rewind.js';
import { shares, startTrading, usd, type Trading } from '../support/trading.js';
import { runUpkeep } from '../support/upkeep.js';

const DAY_MS = 86_400_000;

interface StatementRow {
  account_id: string;
  date: string;
  opens_at: Date | null;
  closes_at: Date;
  opening_cash: bigint;
  deposits: bigint;
  withdrawals: bigint;
  adjustments: bigint;
  purchases: bigint;
  sales: bigint;
  fees: bigint;
  closing_cash: bigint;
  position_value: bigint;
  equity: bigint;
  trades: number;
  asset_ids: string[];
  quantities: bigint[];
  cost_bases: bigint[];
}

describe('the end of day', () => {
  let trading: Trading;

  const start = async (accounts: number, env: Record<string, string> = {}) => {
    trading = await startTrading(accounts, { FEE_BPS: '7', ...env });
  };
  afterEach(() => trading.stop());

  const knex = (): Knex => trading.container.db.knex;
  const end = (now = new Date(), marketHours: MarketHours = 'always'): Promise<string[]> =>
    runEndOfDay({ knex: knex(), log: trading.container.log, marketHours }, now).then((days) =>
      days.map((day) => day.toISOString().slice(0, 10)),
    );
  const statements = (): Promise<StatementRow[]> =>
    knex()('statements')
      .orderBy(['day', 'account_id'])
      .select('*', knex().raw('day::text as date'))
      .then((rows) =>
        (rows as (StatementRow & { day: unknown; created_at: unknown })[]).map(
          ({ day: _day, created_at: _createdAt, ...row }) => row,
        ),
      );
  const statementOf = async (account: number): Promise<StatementRow[]> =>
    (await statements()).filter(({ account_id: id }) => id === accountId(account));
  const accountId = (index: number) => trading.accounts[index]!.account_id;
  const daysAgo = (days: number) =>
    new Date(Math.floor(Date.now() / DAY_MS - days) * DAY_MS).toISOString().slice(0, 10);
  const forget = () =>
    trading.asOwner(`
      set session_replication_role = replica;
      delete from statements; delete from closing_prices; delete from ends_of_day;`);

  const post = (kind: JournalEntry['kind'], account: number, amount: bigint, assetId = USD) =>
    knex().transaction((trx) =>
      postJournals(trx, [
        {
          kind,
          lines: [
            { accountId: accountId(account), assetId, amount, cost: assetId === USD ? 0n : 777n },
            { accountId: EXTERNAL_ACCOUNT, assetId, amount: -amount },
          ],
        },
      ]),
    );

  /** Random orders, deposits, withdrawals, adjustments and shares of some accounts. */
  const tradeAtRandom = async (random: (below: number) => number): Promise<void> => {
    const apple = trading.container.catalog.find('AAPL')!.id;
    for (let round = 0; round < 4; round += 1) {
      await Promise.allSettled(
        Array.from({ length: 30 }, () =>
          trading.place({
            account: random(4),
            side: random(2) === 0 ? 'buy' : 'sell',
            symbol: (['AAPL', 'MSFT', 'BTC/USD'] as const)[random(3)]!,
            qty: formatDecimal(BigInt(1 + random(2_000_000_000)), QTY_SCALE),
            ...(random(10) > 0 && { price: (149 + random(300) / 100).toFixed(2) }),
            timeInForce: 'gtc',
          }),
        ),
      );
      await trading.settle();
      await post('deposit', random(4), BigInt(1 + random(1_000_000)));
      await post('withdrawal', random(4), -BigInt(1 + random(1_000_000)));
      await post('adjustment', random(4), BigInt(random(1_000_000) - 500_001));
      await post('adjustment', random(4), BigInt(1 + random(1_000_000_000)), apple);
    }
  };

  /** Every statement's cash and shares are the sum of what was posted before its close. */
  const expectTied = async (): Promise<void> => {
    const { rows } = await knex().raw<{ rows: { wrong: bigint; all: bigint }[] }>(
      `with posted as (
         select s.account_id, s.day, p.asset_id, sum(p.amount) as amount
         from statements s join postings p on p.account_id = s.account_id
         join journals j on j.id = p.journal_id and j.created_at < s.closes_at
         group by s.account_id, s.day, p.asset_id having sum(p.amount) <> 0
       ), stated as (
         select account_id, day, ?::uuid as asset_id, closing_cash as amount from statements
         where closing_cash <> 0
         union all
         select s.account_id, s.day, u.asset_id, u.qty from statements s,
           unnest(s.asset_ids, s.quantities) as u (asset_id, qty) where u.qty <> 0
       )
       select count(*) as all, count(*) filter (where p.amount is distinct from t.amount) as wrong
       from posted p full join stated t using (account_id, day, asset_id)`,
      [USD],
    );
    expect(rows[0]!.wrong).to.equal(0n);
    expect(rows[0]!.all > 0n).to.equal(true);
  };

  it('gives the same figures in time and late, which tie to the ledger and to each other', async () => {
    await start(6);
    const seed = Math.floor(Math.random() * 2 ** 31);
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (state >>> 8) % below;
    };
    try {
      for (let day = 0; day < 2; day += 1) {
        await tradeAtRandom(random);
        await rewind(trading, 1);
        // The next day's trades do not count: they have begun when the day is ended.
        await trading.place({ account: 4, side: 'sell', qty: '1', price: '120' });
        await trading.place({ account: 5, side: 'buy', qty: '1', price: '170' });
        await trading.settle();
        expect(await end()).to.deep.equal([daysAgo(1)]);
      }
      const inTime = await statements();
      expect(inTime).to.have.lengthOf(12);
      await expectTied();
      await forget();
      expect(await end()).to.deep.equal([daysAgo(2), daysAgo(1)]);
      expect(await statements()).to.deep.equal(inTime);
      await expectTied();
      for (const [index, row] of inTime.entries()) {
        const next = inTime[index + 6];
        if (next) expect(next).to.include({ opening_cash: row.closing_cash });
        if (next) expect(next.opens_at).to.deep.equal(row.closes_at);
      }
      expect(inTime.reduce((sum, { trades }) => sum + trades, 0)).to.be.greaterThan(20);
      expect(await trading.proof()).to.include({ balanced: true });
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  });

  it("recomputes what settlement keeps: cash, quantities and cost bases of the account's own", async () => {
    await start(4);
    let state = 7;
    await tradeAtRandom((below) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (state >>> 8) % below;
    });
    await rewind(trading, 1);
    await end();
    for (const row of await statements()) {
      const positions = await knex()('positions')
        .where({ account_id: row.account_id })
        .whereNot('qty', 0)
        .orderBy('asset_id')
        .select<{ assetId: string; qty: bigint; cost: bigint }[]>({
          assetId: 'asset_id',
          qty: 'qty',
          cost: 'cost_basis',
        });
      expect(row.asset_ids).to.deep.equal(positions.map(({ assetId }) => assetId));
      expect(row.quantities).to.deep.equal(positions.map(({ qty }) => qty));
      expect(row.cost_bases).to.deep.equal(positions.map(({ cost }) => cost));
      const account = await knex()('accounts')
        .where({ id: row.account_id })
        .first<{ cash: bigint }>('cash');
      expect(row.closing_cash).to.equal(account.cash);
    }
  });

  it('has the fees, flows and trades of the day, and prices positions by the last trade before the close', async () => {
    await start(2);
    await trading.place({ account: 1, side: 'sell', qty: '10', price: '155' });
    await trading.place({ account: 0, side: 'buy', qty: '10', price: '155' });
    await trading.settle();
    await post('deposit', 0, usd('50'));
    await post('withdrawal', 0, usd('-20'));
    await post('adjustment', 0, usd('-0.5'));
    await rewind(trading, 1);
    await trading.place({ account: 1, side: 'sell', qty: '1', price: '200' }); // today
    await trading.place({ account: 0, side: 'buy', qty: '1', price: '200' });
    await trading.settle();
    await end();
    const [row] = await statementOf(0);
    const fee = usd('1.085');
    expect(row).to.deep.include({
      date: daysAgo(1),
      opens_at: null,
      opening_cash: 0n,
      deposits: usd('100050'),
      withdrawals: usd('-20'),
      adjustments: usd('-0.5'),
      purchases: usd('-1550'),
      sales: 0n,
      fees: -fee,
      closing_cash: usd('98479.5') - fee,
      trades: 1,
      position_value: usd('156550') + usd('410000') + usd('600000'),
    });
    const apple = row!.asset_ids.indexOf(trading.container.catalog.find('AAPL')!.id);
    expect(row!.quantities[apple]).to.equal(shares('1010'));
    expect(row!.cost_bases[apple]).to.equal(usd('150000') + usd('1550') + fee);
    const prices = await knex()('closing_prices').where({
      asset_id: row!.asset_ids[apple]!,
    });
    expect(prices).to.have.lengthOf(1);
    expect(prices[0]).to.include({ price: usd('155'), source: 'trade' });
  });

  it('carries prices and accounts without a change from day to day', async () => {
    await start(2);
    await trading.place({ account: 1, side: 'sell', qty: '10', price: '155' });
    await trading.place({ account: 0, side: 'buy', qty: '10', price: '155' });
    await trading.settle();
    await rewind(trading, 4);
    await trading.place({ account: 1, side: 'sell', qty: '1', price: '200' });
    await trading.place({ account: 0, side: 'buy', qty: '1', price: '200' });
    await trading.settle();
    expect(await end()).to.deep.equal([4, 3, 2, 1].map(daysAgo));
    const rows = await statementOf(0);
    expect(rows).to.have.lengthOf(4);
    const [first, ...others] = rows;
    for (const row of others) {
      expect(row).to.deep.include({
        opening_cash: first!.closing_cash,
        closing_cash: first!.closing_cash,
        equity: first!.equity,
        cost_bases: first!.cost_bases,
        trades: 0,
      });
    }
    const sources = await knex()('closing_prices')
      .join('assets', 'id', 'asset_id')
      .where({ symbol: 'AAPL' })
      .select('price', 'source');
    expect(sources).to.deep.equal(Array(4).fill({ price: usd('155'), source: 'trade' }));
  });

  it('never values a missed day at a price of later', async () => {
    await start(2);
    await rewind(trading, 3);
    await trading.place({ account: 1, side: 'sell', qty: '1', price: '152' });
    await trading.place({ account: 0, side: 'buy', qty: '1', price: '152' });
    await trading.settle();
    await rewind(trading, 1); // traded on the last day of four, never before
    await knex()('market_prices').update({ reference_price: 99, last_price: 98 });
    await end();
    const prices = await knex()('closing_prices')
      .join('assets', 'id', 'asset_id')
      .where({ symbol: 'AAPL' })
      .orderBy('day')
      .select('price', 'source');
    const reference = { price: usd('150'), source: 'reference' };
    // The last price was overwritten by hand: it is taken for the day of its trade only.
    expect(prices).to.deep.equal([
      reference,
      reference,
      reference,
      { price: 98n, source: 'trade' },
    ]);
  });

  it('is written once, however many workers end it at the same time', async () => {
    await start(3);
    await rewind(trading, 2);
    await Promise.all(Array.from({ length: 4 }, () => end()));
    expect(await statements()).to.have.lengthOf(6);
    expect(await knex()('ends_of_day')).to.have.lengthOf(2);
    expect(await end()).to.deep.equal([]);
    expect(await statements()).to.have.lengthOf(6);
  });

  it('goes on where a killed worker left it', async () => {
    await start(3);
    await rewind(trading, 2);
    await end();
    const all = await statements();
    await forget();
    await trading.asOwner(`
      create function refuse_third() returns trigger language plpgsql as $$
      begin
        if new.account_id = '${accountId(2)}' then raise exception 'killed'; end if;
        return new;
      end $$;
      create trigger killed before insert on statements
        for each row execute function refuse_third()`);
    let failure = '';
    await end().catch((error: unknown) => (failure = (error as Error).message));
    expect(failure).to.include('killed');
    expect(await knex()('ends_of_day')).to.have.lengthOf(0);
    await trading.asOwner('drop trigger killed on statements');
    expect(await end()).to.deep.equal([daysAgo(2), daysAgo(1)]);
    expect(await statements()).to.deep.equal(all);
  });

  it('counts every trade of a busy day once, although it reads them in pages', async () => {
    await start(3);
    await trading.place({ account: 1, side: 'sell', qty: '1', price: '150' });
    await trading.place({ account: 0, side: 'buy', qty: '1', price: '150' });
    await trading.settle();
    await trading.asOwner(`
      set session_replication_role = replica;
      create table busy as select * from account_events
      where account_id = '${accountId(0)}' and type = 'fill';
      delete from account_events where account_id in ('${accountId(0)}', '${accountId(1)}');
      insert into account_events select (jsonb_populate_record(null::account_events,
        to_jsonb(busy) || jsonb_build_object('event_id', n, 'account_id', account))).*
      from busy, (values ('${accountId(0)}', 2345), ('${accountId(1)}', 1234)) as a (account, count),
        generate_series(1, count) n;
      update accounts a set last_event_id =
        (select coalesce(max(event_id), 0) from account_events where account_id = a.id)`);
    await rewind(trading, 1);
    await end();
    const [first, second, third] = [0, 1, 2].map((account) => statementOf(account));
    expect((await first!)[0]).to.include({ trades: 2345, purchases: usd('-351750') });
    expect((await second!)[0]).to.include({ trades: 1234, fees: usd('-129.57') });
    expect((await third!)[0]).to.include({ trades: 0, purchases: 0n });
  });

  it('takes what was booked before the close, to the millisecond', async () => {
    await start(2);
    await trading.place({ account: 1, side: 'sell', qty: '3', price: '150' });
    for (const qty of ['1', '2'])
      await trading.place({ account: 0, side: 'buy', qty, price: '150' });
    await trading.settle();
    await rewind(trading, 2);
    await trading.asOwner(`
      set session_replication_role = replica;
      update account_events set occurred_at = '${daysAgo(1)}T00:00:00Z'::timestamptz
        - case when qty = 1000000000 then interval '1 ms' else interval '0' end
      where type in ('fill', 'partial_fill');
      update journals j set created_at = e.occurred_at from account_events e
      where e.execution_id = j.id`);
    await end();
    for (const account of [0, 1]) {
      const rows = await statementOf(account);
      expect(rows.map(({ trades }) => trades)).to.deep.equal([1, 1]);
      expect(rows[0]!.purchases + rows[0]!.sales).to.equal(
        account === 0 ? usd('-150') : usd('150'),
      );
    }
    await expectTied();
  });

  it('tells clients of the statements of the latest days, once, and not of older ones', async () => {
    await start(2);
    await rewind(trading, 4);
    await end();
    await end();
    const told = (await knex()('messages').orderBy(['client_id', 'number'])) as {
      event: string;
      data: { day: string };
    }[];
    expect(told.map(({ event, data }) => [event, data.day])).to.deep.equal(
      [2, 1, 2, 1].map((days) => ['statement.ready', daysAgo(days)]),
    );
    expect(await statements()).to.have.length(8);
  });

  it('waits a minute after the close, and for transactions that are under way', async () => {
    await start(1);
    await rewind(trading, 1);
    const close = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS);
    expect(await end(new Date(close.getTime() + GRACE_MS - 1))).to.deep.equal([]);
    const trx = await knex().transaction();
    await post('deposit', 0, usd('1'));
    await trx.raw('insert into shards (id) values (9999)'); // writes, and does not end
    const ending = end(new Date(close.getTime() + GRACE_MS));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await statements()).to.have.lengthOf(0);
    await trx.rollback();
    expect(await ending).to.deep.equal([daysAgo(1)]);
  });

  it('follows the sessions of the NYSE: what comes after the close is the next trading day', async () => {
    await start(1);
    await trading.asOwner(`
      set session_replication_role = replica;
      update accounts set created_at = '2030-03-08T15:00:00Z'; -- a Friday; closes 21:00 UTC
      update journals set created_at = '2030-03-08T15:00:00Z'`);
    await post('deposit', 0, usd('7'));
    await trading.asOwner(`
      set session_replication_role = replica;
      update journals set created_at = '2030-03-08T21:00:00Z' where kind = 'deposit'`);
    const due = await findDueDays(knex(), 'nyse', new Date('2030-03-13T00:00:00Z'));
    expect(due.days.map(({ close }) => close.toISOString())).to.deep.equal([
      '2030-03-08T21:00:00.000Z',
      '2030-03-11T20:00:00.000Z',
      '2030-03-12T20:00:00.000Z',
    ]);
    await end(new Date('2030-03-11T20:01:00Z'), 'nyse');
    const rows = await statementOf(0);
    expect(rows.map(({ date, deposits }) => [date, deposits])).to.deep.equal([
      ['2030-03-08', usd('100000')],
      ['2030-03-11', usd('7')],
    ]);
  });

  it('catches up a bounded number of days a run, and tells how many are missing', async () => {
    await start(1);
    await rewind(trading, 40);
    expect(await end()).to.have.lengthOf(31);
    expect((await missedEndsOfDay.get()).values[0]!.value).to.equal(9);
    await runUpkeep('end-of-day', trading);
    expect(await statements()).to.have.lengthOf(40);
    expect((await missedEndsOfDay.get()).values[0]!.value).to.equal(0);
    const midnight = Math.floor(Date.now() / DAY_MS) * DAY_MS;
    expect((await lastEndOfDay.get()).values[0]!.value).to.equal(midnight / 1_000);
  });
});
