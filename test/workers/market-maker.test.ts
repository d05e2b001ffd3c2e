import { expect } from 'chai';
import { Writable } from 'node:stream';
import winston from 'winston';
import { v7 as uuidv7 } from 'uuid';
import { MAKER_ACCOUNT } from '../../src/ledger/house.js';
import { READ_HOLDINGS } from '../../src/market/maker-desk.js';
import { MarketMaker } from '../../src/market/market-maker.js';
import { changesTo, ladder } from '../../src/market/quotes.js';
import { createPerson, startApi } from '../support/api.js';
import { shares, startTrading, usd, type Trading } from '../support/trading.js';

/** At 150 dollars: 400 shares either way. */
const INVENTORY_MAX = 60_000;
const LIMIT = shares('400');
const REFERENCE = usd('150');
/** A Monday, before and during the session of the NYSE. */
const CLOSED = new Date('2026-03-02T12:00:00Z');
const OPEN = new Date('2026-03-02T15:00:00Z');

interface OpenRow {
  side: 'buy' | 'sell';
  price: bigint;
  rest: bigint;
}

describe('the market maker', () => {
  let trading: Trading;
  let maker: MarketMaker;
  let logged: { level: string; message: string }[];

  beforeEach(async () => {
    trading = await startTrading(3);
    logged = [];
    maker = makerOf();
  });
  afterEach(() => trading.stop());

  const makerOf = (more: Partial<ConstructorParameters<typeof MarketMaker>[0]> = {}) => {
    const stream = new Writable({
      write(line: Buffer, _encoding, done) {
        logged.push(JSON.parse(line.toString()) as (typeof logged)[number]);
        done();
      },
    });
    const log = winston.createLogger({ transports: [new winston.transports.Stream({ stream })] });
    const { db, intake, limits } = trading.container;
    const rules = { marketHours: 'always', inventoryMax: INVENTORY_MAX } as const;
    return new MarketMaker({ db, intake, limits, log, ...rules, ...more });
  };
  const knex = () => trading.container.db.knex;
  const asset = (symbol: string) => trading.container.catalog.find(symbol)!;
  const warnings = () =>
    logged.filter(({ level }) => level === 'warn').map(({ message }) => message);

  /** Quotes and has the workers do their part. */
  const refresh = async (price = REFERENCE, symbols = ['AAPL'], now = OPEN): Promise<void> => {
    await request(price, symbols, now);
    await trading.settle();
  };
  const request = async (price = REFERENCE, symbols = ['AAPL'], now = OPEN): Promise<void> => {
    const assets = symbols.map(asset);
    const references = new Map(assets.map(({ id }) => [id, { price, size: null }]));
    await maker.refresh(assets, references, now);
  };
  const openQuotes = async (symbol = 'AAPL'): Promise<OpenRow[]> =>
    knex()('orders')
      .where({ account_id: MAKER_ACCOUNT, asset_id: asset(symbol).id })
      .whereNull('closed_at')
      .orderBy(['side', 'limit_price'])
      .select('side', 'limit_price as price', knex().raw('qty - filled_qty as rest'));
  const ordersMade = async (): Promise<number> =>
    (await knex()('orders').where({ account_id: MAKER_ACCOUNT }).select('id')).length;
  const inventory = async (): Promise<bigint> => {
    const [row] = await knex()('positions as p')
      .join('maker_inventory as i', 'i.asset_id', 'p.asset_id')
      .where({ 'p.account_id': MAKER_ACCOUNT, 'p.asset_id': asset('AAPL').id })
      .select<{ away: bigint }[]>(knex().raw('p.qty - i.target_qty as away'));
    return row!.away;
  };
  const market = (account: number, side: 'buy' | 'sell', qty: string) =>
    trading.place({ account, side, qty, timeInForce: 'ioc' });
  const prices = (quotes: OpenRow[], side: string) =>
    quotes.filter((quote) => quote.side === side).map(({ price }) => price);
  const block = (kind: string, scope: string, target: string | null) =>
    knex()('trading_blocks').insert({ id: uuidv7(), kind, scope, target, reason: 'a test' });

  it('quotes three levels a side, none of them inside of another', async () => {
    maker = makerOf({ inventoryMax: 10_000_000 });
    await refresh();
    const quotes = await openQuotes();
    // 3, 8 and 20 basis points of 150 dollars, rounded outward to the cent.
    expect(prices(quotes, 'buy')).to.deep.equal(['149.7', '149.88', '149.95'].map(usd));
    expect(prices(quotes, 'sell')).to.deep.equal(['150.05', '150.12', '150.3'].map(usd));
    const sizes = quotes.map(({ rest }) => rest);
    expect(sizes).to.deep.equal(['3333', '1666', '666', '666', '1666', '3333'].map(shares));
  });

  it('leaves quotes alone that are near enough, and moves only those that are not', async () => {
    maker = makerOf({ inventoryMax: 10_000_000 });
    await refresh();
    await refresh(usd('150.01'));
    expect(await ordersMade()).to.equal(6);
    await refresh(usd('150.04')); // past the tolerance of the best quotes alone
    expect(await ordersMade()).to.equal(8);
    expect(prices(await openQuotes(), 'buy').at(-1)).to.equal(usd('149.99'));
    await refresh(usd('151'));
    expect(await ordersMade()).to.equal(14);
    expect(await openQuotes()).to.have.length(6);
  });

  it('fills up what clients have taken, and asks nothing of a worker that is behind', async () => {
    await refresh();
    await market(0, 'buy', '30');
    await trading.settle();
    await request();
    const made = await ordersMade();
    expect(made).to.be.greaterThan(6);
    await request(usd('149'));
    expect(await ordersMade(), 'the last request still waits').to.equal(made);
    await trading.settle();
    await refresh(usd('149'));
    expect(await ordersMade()).to.be.greaterThan(made);
  });

  for (const side of ['sell', 'buy'] as const) {
    it(`stays within its inventory when clients only ${side}`, async () => {
      let before = 0n;
      for (let round = 0; round < 14; round += 1) {
        await refresh();
        await market(0, side, '30');
        await market(1, side, '30');
        await trading.settle();
        const away = await inventory();
        const distance = away < 0n ? -away : away;
        expect(distance <= LIMIT, `round ${round}: ${away}`).to.equal(true);
        expect(distance >= before).to.equal(true);
        before = distance;
      }
      expect(before > (LIMIT * 9n) / 10n, `only ${before}`).to.equal(true);
      await refresh();
      const quotes = await openQuotes();
      const [taking, giving] = side === 'sell' ? ['buy', 'sell'] : ['sell', 'buy'];
      const sum = (of: string) =>
        quotes.reduce((all, quote) => (quote.side === of ? all + quote.rest : all), 0n);
      expect(sum(taking) <= LIMIT - before, 'the side that would go beyond').to.equal(true);
      expect(sum(giving) > LIMIT / 2n, 'the side that goes back').to.equal(true);
      expect(await trading.proof()).to.include({ balanced: true, mismatchedBalances: 0 });
      expect(warnings()).to.deep.equal([]);
    });
  }

  it('stays within it although quotes trade that are being withdrawn', async () => {
    await refresh();
    await market(0, 'sell', '150');
    await trading.settle();
    for (let round = 0; round < 6; round += 1) {
      await market(0, 'sell', '100'); // in the sequence before the withdrawals
      await request(round % 2 === 0 ? usd('149') : usd('150'));
      await market(1, 'sell', '200');
      await trading.settle();
      const away = await inventory();
      expect(away <= LIMIT + LIMIT / 100n, `round ${round}: ${away}`).to.equal(true);
    }
  });

  it('places nothing that does not fit beside what it withdraws', () => {
    const [room, tick, lot] = [{ buy: shares('400'), sell: shares('400') }, 100n, shares('1')];
    const maxQty = shares('1000000');
    const wanted = ladder(REFERENCE, { tick, lot, maxQty, room, topQty: null });
    const stale = { orderId: 'a', side: 'buy', price: usd('140'), isWaiting: false } as const;
    const sum = (qty: string, side: string) =>
      changesTo(wanted, [{ ...stale, qty: shares(qty) }], room)
        .place.filter((quote) => quote.side === side)
        .reduce((all, quote) => all + quote.qty, 0n);
    expect(sum('0.5', 'sell') > shares('390')).to.equal(true);
    expect(sum('0.5', 'buy') > shares('390')).to.equal(true);
    expect(sum('300', 'buy') <= shares('100')).to.equal(true);
    expect(sum('400', 'buy')).to.equal(0n);
  });

  it('quotes lower when it holds too much, and higher when it holds too little', async () => {
    maker = makerOf({ inventoryMax: 60_000 });
    await refresh();
    const centre = async () => {
      const quotes = await openQuotes();
      return (prices(quotes, 'buy').at(-1)! + prices(quotes, 'sell')[0]!) / 2n;
    };
    expect(await centre()).to.equal(REFERENCE);
    for (let round = 0; round < 6; round += 1) {
      await market(0, 'sell', '60');
      await trading.settle();
      await refresh();
    }
    // At the limit ten basis points: 15 cents.
    expect(Number(REFERENCE - (await centre()))).to.be.within(800, 1_500);
    for (let round = 0; round < 10; round += 1) {
      await market(1, 'buy', '60');
      await trading.settle();
      await refresh();
    }
    expect(Number((await centre()) - REFERENCE)).to.be.greaterThan(0);
  });

  it('stops with the kill switch of its account, quietly, and goes on when it is lifted', async () => {
    const api = await startApi(trading);
    try {
      const as = await createPerson(trading, { role: 'ops', scopes: ['read', 'admin'] });
      const path = `/v2/admin/accounts/${MAKER_ACCOUNT}/kill_switch`;
      await refresh();
      const client = await trading.place({ account: 0, side: 'buy', qty: '1', price: '140' });
      const set = await api.call('PUT', path, { as, body: { reason: 'the house rests' } });
      expect(set.status).to.equal(200);
      await trading.settle();
      expect(await openQuotes()).to.deep.equal([]);
      const made = await ordersMade();
      for (let step = 0; step < 3; step += 1) await refresh();
      expect(await ordersMade()).to.equal(made);
      expect(warnings()).to.deep.equal(['the market maker quotes nothing']);
      await trading.place({ account: 1, side: 'sell', qty: '1', price: '140' });
      await trading.settle();
      expect(await trading.order(client)).to.include({ status: 'filled' });

      await api.call('DELETE', `${path}?reason=rested`, { as });
      await refresh();
      expect(await openQuotes()).to.have.length(6);
      expect(logged.at(-1)).to.include({ level: 'info', message: 'the market maker quotes again' });
    } finally {
      await api.stop();
    }
  });

  it("withdraws its quotes when its account is restricted, and stops with everybody's switch", async () => {
    await refresh();
    await block('restrict', 'account', MAKER_ACCOUNT);
    await refresh();
    expect(await openQuotes()).to.deep.equal([]);
    await knex()('trading_blocks').delete();
    await block('kill', 'global', null);
    await refresh();
    expect(await openQuotes()).to.deep.equal([]);
    expect(warnings()).to.have.length(2);
  });

  it('withdraws its quotes in a halted asset, quotes the others, and comes back', async () => {
    await refresh(REFERENCE, ['AAPL', 'JPM']);
    await block('halt', 'asset', asset('AAPL').id);
    for (let step = 0; step < 3; step += 1) await refresh(usd('151'), ['AAPL', 'JPM']);
    expect(await openQuotes()).to.deep.equal([]);
    expect(await openQuotes('JPM')).to.have.length(6);
    await knex()('trading_blocks').delete();
    await refresh(usd('151'), ['AAPL', 'JPM']);
    expect(await openQuotes()).to.have.length(6);
    expect(logged).to.deep.equal([]);
  });

  it('asks for nothing while the market is closed, and leaves what rests for the open', async () => {
    maker = makerOf({ marketHours: 'nyse' });
    await refresh(REFERENCE, ['AAPL'], CLOSED);
    await refresh(usd('60000'), ['BTC/USD'], CLOSED);
    expect(await openQuotes()).to.deep.equal([]);
    expect(await openQuotes('BTC/USD')).to.have.length(6);
    await refresh(REFERENCE, ['AAPL'], OPEN);
    await refresh(usd('160'), ['AAPL'], CLOSED);
    expect(prices(await openQuotes(), 'sell')[0]).to.equal(usd('150.05'));
    expect(logged).to.deep.equal([]);
  });

  it('finds what is open without looking through all orders ever', async () => {
    await refresh();
    await trading.asOwner(
      `insert into orders (id, account_id, asset_id, shard, client_order_id, side, type,
         time_in_force, qty, limit_price, bound_price, fee_bps, status, hold, created_at, updated_at,
         closed_at)
       select gen_random_uuid(), account_id, asset_id, shard, id || ' ' || n, side, type,
         time_in_force, qty, limit_price, bound_price, fee_bps, 'canceled', 0, created_at, updated_at,
         created_at
       from orders, generate_series(1, 2000) n;
       analyze orders`,
    );
    const { rows } = await knex().raw<{ rows: Record<string, string>[] }>(
      `explain ${READ_HOLDINGS}`,
      { maker: MAKER_ACCOUNT },
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).to.include('Index Scan using orders_pkey on orders');
    expect(plan).not.to.include('Seq Scan on orders');
    await refresh();
    expect(await openQuotes()).to.have.length(6);
  });

  it('tells once, not every second, that a quote was refused', async () => {
    await refresh();
    await market(0, 'buy', '1');
    await trading.settle();
    await trading.container.catalog.refresh();
    for (let step = 0; step < 3; step += 1) await refresh(usd('400')); // beyond the price band
    expect(warnings()).to.deep.equal(['a quote was refused']);
  });
});
