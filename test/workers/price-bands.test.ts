import { expect } from 'chai';
import type { Actor } from '../../src/audit/record.js';
import { seededRandom } from '../../src/domain/seeded-random.js';
import { DomainError } from '../../src/errors.js';
import { newId } from '../../src/ids.js';
import { MAKER_ACCOUNT } from '../../src/ledger/house.js';
import { BandWork } from '../../src/market/band-work.js';
import { MarketMaker } from '../../src/market/market-maker.js';
import type { OrderView } from '../../src/orders/model.js';
import { liftBlock, setBlock, type BlockSubject } from '../../src/risk/blocks.js';
import { expectSettled } from '../support/nothing-wrong.js';
import {
  NO_CHANGE,
  shares,
  startTrading,
  usd,
  type TestOrder,
  type Trading,
} from '../support/trading.js';

/** AAPL begins at 150: its bands are 142.50 and 157.50. */
const BAND_BPS = 500;

describe('price bands', () => {
  let trading: Trading;
  let work: BandWork;
  let start: number;
  let nudged: number[];

  beforeEach(async () => {
    trading = await startTrading(4, { MARKET_COLLAR_BPS: '2000' });
    start = Date.now();
    nudged = [];
    work = newWork();
    await knex()('assets').where({ symbol: 'AAPL' }).update({ band_bps: BAND_BPS });
    await work.run(at(0));
  });
  afterEach(() => trading.stop());

  const knex = () => trading.container.db.knex;
  const at = (seconds: number) => new Date(start + seconds * 1_000);
  const newWork = () => {
    const { log } = trading.container;
    const nudge = (shards: readonly number[]) => void nudged.push(...shards);
    return new BandWork({ knex: knex(), marketHours: 'always', log, nudge });
  };
  const twice = (seconds: number) =>
    Promise.all([work, newWork()].map((one) => one.run(at(seconds))));
  const aapl = () => trading.container.catalog.find('AAPL')!;
  const band = async (): Promise<Record<string, unknown>> =>
    (await knex()('price_bands').where({ asset_id: aapl().id }).first())!;
  const blocks = () => knex()('trading_blocks').select('reason', 'created_by');
  const stops = () => knex()('price_band_stops').orderBy('id').pluck('edge');
  const haltActs = async (): Promise<{ action: string; reason: string }[]> => {
    const rows = await knex()('audit_entries').orderBy('id').pluck<string[]>('content');
    return rows
      .map((content) => JSON.parse(content) as { action: string; reason: string })
      .filter(({ action }) => action.startsWith('halt.'))
      .map(({ action, reason }) => ({ action, reason }));
  };
  const buy = (price: string | undefined, qty = '1', account = 0, more = {}): Promise<OrderView> =>
    trading.place({
      account,
      side: 'buy',
      qty,
      timeInForce: 'gtc',
      ...(price && { price }),
      ...more,
    });
  const sell = (price: string, qty = '1', account = 1): Promise<OrderView> =>
    trading.place({ account, side: 'sell', qty, timeInForce: 'gtc', price });
  const ended = async (order: OrderView) => {
    const { status, reason, filledQty, hold } = await trading.order(order);
    return { status, reason, filledQty, hold };
  };
  const STOPPED = { status: 'canceled', reason: 'price_band', hold: 0n };

  it('let nothing trade outside, and end what only they stop', async () => {
    await sell('156');
    await sell('158', '9');
    const limit = await buy('160', '3');
    await trading.settle();
    expect(await ended(limit)).to.deep.equal({ ...STOPPED, filledQty: shares('1') });
    const market = await buy(undefined, '2', 2, { timeInForce: 'day' });
    await trading.settle();
    expect(await ended(market)).to.deep.equal({ ...STOPPED, filledQty: 0n });
    const low = await sell('142', '2', 3);
    const far = await buy('100', '1', 2);
    await trading.settle();
    expect(await ended(low), 'would rest below the lower band').to.deep.include(STOPPED);
    expect(await trading.order(far)).to.include({ status: 'new' });
    expect(await stops()).to.deep.equal(['upper', 'upper', 'lower']);
    expect(await trading.cash(0)).to.include({ held: 0n });
    await expectSettled(knex());
  });

  it('keep every trade inside whatever is sent, and every book uncrossed, while they move', async () => {
    const random = seededRandom('price bands', 'orders');
    const pick = <T>(...of: T[]): T => of[Math.floor(random() * of.length)]!;
    let seen = 0n;
    for (let round = 0; round < 25; round++) {
      const middle = 144 + Math.floor(random() * 12);
      const [lower, upper] = [usd(`${middle - 2}`), usd(`${middle + 2}`)];
      await knex()('price_bands').update({ lower, upper }); // and nobody withdraws what is left behind
      for (let order = 0; order < 10; order++) {
        const price = usd(`${140 + Math.floor(random() * 20)}`);
        const more = pick<object>(
          { type: 'limit', limitPrice: price, timeInForce: 'gtc' },
          { type: 'limit', limitPrice: price, timeInForce: 'gtc' },
          { type: 'limit', limitPrice: price, timeInForce: pick('ioc', 'fok') },
          { type: 'market' },
          { type: 'stop', stopPrice: price },
        );
        const terms = { account: pick(0, 1, 2, 3), side: pick('buy', 'sell'), qty: pick('1', '5') };
        await trading.place({ ...terms, more } as TestOrder).catch((error: unknown) => {
          if (!(error instanceof DomainError)) throw error; // such as with an order of its own
        });
      }
      await trading.settle();
      const trades = await knex()('executions').where('seq', '>', String(seen)).orderBy('seq');
      for (const { price, seq } of trades as { price: bigint; seq: bigint }[]) {
        expect(price >= lower && price <= upper, `${price} in ${lower} to ${upper}`).to.equal(true);
        seen = seq;
      }
      await expectSettled(knex());
    }
    expect(seen > 30n, `${seen} trades`).to.equal(true);
  });

  it('bound stops that are reached', async () => {
    await sell('156');
    await sell('158', '9');
    const stop = await buy(undefined, '2', 2, { more: { type: 'stop', stopPrice: usd('155') } });
    await trading.settle();
    await buy('156');
    await trading.settle();
    expect(await ended(stop)).to.deep.equal({ ...STOPPED, filledQty: 0n });
    expect((await trading.order(stop)).triggeredAt).to.be.instanceOf(Date);
    await expectSettled(knex());
  });

  it('follow the trades, and withdraw what they leave behind', async () => {
    await sell('144', '2');
    await buy('144', '2');
    const left = await buy('152', '3', 2);
    const stays = await buy('151', '1', 2);
    await trading.settle();
    await work.run(at(29));
    expect(await band()).to.include({ reference: usd('150') });
    await twice(45);
    expect(await band()).to.include({
      reference: usd('144'),
      lower: usd('136.8'),
      upper: usd('151.2'),
    });
    expect(nudged).to.deep.equal([aapl().shard]);
    expect(await knex()('work_items').select('order_id', 'kind', 'reason')).to.deep.equal([
      { order_id: left.id, kind: 'cancel', reason: 'price_band' },
    ]);
    await trading.settle();
    expect(await ended(left)).to.deep.equal({ ...STOPPED, filledQty: 0n });
    expect(await trading.order(stays)).to.include({ status: 'new' });
    expect(await stops(), 'nobody was stopped').to.deep.equal([]);
    await expectSettled(knex());
  });

  it('end what a pass meets on their wrong side, though nobody has withdrawn it', async () => {
    const high = await buy('156', '3');
    const inside = await buy('150', '1', 2);
    await trading.settle();
    await knex()('price_bands').update({ lower: usd('140'), upper: usd('154') });
    const seller = await sell('149', '2');
    await trading.settle();
    expect(await ended(high)).to.deep.equal({ ...STOPPED, filledQty: 0n });
    expect(await trading.order(inside)).to.include({ status: 'filled' });
    expect(await trading.order(seller)).to.include({
      filledQty: shares('1'),
      filledValue: usd('150'),
    });
    const kept = await buy('153', '3', 2);
    await trading.settle();
    await knex()('price_bands').update({ upper: usd('152') });
    const { intake } = trading.container;
    const less = { ...NO_CHANGE, qty: shares('2') };
    const successor = await intake.replace(kept.accountId, kept.id, less, null);
    await trading.settle();
    expect(await ended(successor), 'its turn is beyond the band').to.deep.include(STOPPED);
    await expectSettled(knex());
  });

  it('halt an asset once that stays at an edge, and let it go on from there', async () => {
    await buy('157.5', '5');
    await trading.settle();
    await twice(1);
    expect(await band()).to.include({ limit_edge: 'upper', halt_id: null });
    await twice(15);
    expect(await blocks()).to.deep.equal([]);
    await twice(16);
    expect(await blocks()).to.deep.equal([{ reason: 'limit_up', created_by: null }]);
    const refused = await sell('150').catch((error: unknown) => error);
    expect(refused).to.have.nested.property('details.reason', 'instrument_halted');
    await twice(315);
    expect(await blocks()).to.have.length(1);
    await newWork().run(at(316)); // a process that knows nothing yet
    expect(await blocks()).to.deep.equal([]);
    expect(await band()).to.include({
      reference: usd('157.5'),
      upper: usd('165.38'),
      limit_edge: null,
      halt_id: null,
    });
    expect(await haltActs()).to.deep.equal([
      { action: 'halt.set', reason: 'limit_up' },
      { action: 'halt.lift', reason: 'limit_up is over' },
    ]);
    await sell('160');
    const buyer = await buy('160', '1', 2);
    await sell('157.5', '5', 3);
    await trading.settle();
    expect(await trading.order(buyer), 'beyond the old band').to.include({ status: 'filled' });
    await work.run(at(320));
    expect(await band()).to.include({ limit_edge: null });
  });

  it('come to no halt when the market trades inside again', async () => {
    await buy('145');
    await sell('158');
    await buy('160', '1', 2);
    await trading.settle();
    await work.run(at(1));
    expect(await band()).to.include({ limit_edge: 'upper' });
    await sell('150');
    await buy('150', '1', 2);
    await trading.settle();
    await work.run(at(20));
    expect(await band()).to.include({ limit_edge: null });
    expect(await stops()).to.deep.equal([]);
    expect(await blocks()).to.deep.equal([]);
  });

  it('begin a session of the NYSE at the last price, twice as wide', async () => {
    const { log } = trading.container;
    const terms = { knex: knex(), marketHours: 'nyse', log, nudge: () => undefined } as const;
    const look = async (time: string) => {
      await new BandWork(terms).run(new Date(time));
      return band();
    };
    await sell('157');
    await buy('157');
    await trading.settle();
    await look('2027-03-05T17:00:00Z'); // a Friday
    expect(await look('2027-03-05T21:00:01Z')).to.include({
      reference: usd('157'),
      lower: usd('141.3'),
      upper: usd('172.7'),
    });
    expect(await look('2027-03-08T14:44:59Z')).to.include({ lower: usd('141.3') });
    expect(await look('2027-03-08T14:45:00Z')).to.include({ lower: usd('149.15') });
  });

  describe('and staff', () => {
    const halt = (): BlockSubject => ({
      kind: 'halt',
      target: { account_id: null, asset_id: aapl().id, symbol: 'AAPL' },
    });
    const by: Actor = {
      ...{ kind: 'person', clientId: newId(), role: 'ops', credential: null },
      ...{ ip: null, userAgent: null, requestId: null },
    };
    const author = { by, reason: 'news' };

    beforeEach(async () => {
      await buy('157.5');
      await trading.settle();
      await work.run(at(1));
      await work.run(at(20));
      expect(await blocks()).to.have.length(1);
    });

    it('leave a halt of staff in force that came meanwhile', async () => {
      await knex().transaction((trx) => setBlock(trx, halt(), author));
      await work.run(at(1_000));
      await work.run(at(2_000));
      expect(await blocks()).to.deep.equal([{ reason: 'news', created_by: by.clientId }]);
      expect(await band()).to.include({ halt_id: null, limit_edge: null });
    });

    it('go on at once when staff lift the halt', async () => {
      await knex().transaction((trx) => liftBlock(trx, halt(), author));
      await work.run(at(30));
      expect(await band()).to.include({ reference: usd('157.5'), halt_id: null });
      expect(await blocks()).to.deep.equal([]);
    });

    it('go, and their halt with them, when staff take them off', async () => {
      await knex()('assets').update({ band_bps: null });
      await twice(30);
      expect(await blocks()).to.deep.equal([]);
      expect(await knex()('price_bands').select('asset_id')).to.deep.equal([]);
      await sell('400', '1', 3);
      const dear = await buy('200', '1', 2);
      await trading.settle();
      expect(await trading.order(dear)).to.include({ status: 'new' });
    });
  });

  it('keep the quotes of the house inside, and halt when it would buy beyond', async () => {
    const warnings: string[] = [];
    const { db, intake, limits, log } = trading.container;
    const told = Object.assign(Object.create(log) as typeof log, {
      warn: (message: string) => warnings.push(message),
    });
    const inventoryMax = 1_000_000;
    const maker = new MarketMaker({
      db,
      intake,
      limits,
      log: told,
      marketHours: 'always',
      inventoryMax,
    });
    const quotes = async (price: string) => {
      await maker.refresh(
        [aapl()],
        new Map([[aapl().id, { price: usd(price), size: null }]]),
        at(0),
      );
      await trading.settle();
      return knex()('orders')
        .where({ account_id: MAKER_ACCOUNT })
        .whereNull('closed_at')
        .select('side', 'limit_price as price');
    };
    expect(await quotes('150')).to.have.length(6);
    await quotes('170'); // the old ones are withdrawn before there is room
    expect(await quotes('170')).to.deep.equal([{ side: 'buy', price: usd('157.5') }]);
    await work.run(at(1));
    await work.run(at(20));
    expect(await blocks()).to.deep.equal([{ reason: 'limit_up', created_by: null }]);
    expect(warnings).to.deep.equal([]);
  });
});
