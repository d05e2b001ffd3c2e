import { expect } from 'chai';
import type { Queue } from 'bullmq';
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { connectKnex } from '../../src/db.js';
import { isOut, planOrder, type VenueBehaviour } from '../../src/external-venue/behaviour.js';
import { deliverReports } from '../../src/external-venue/deliver-reports.js';
import type { VenueMessage, VenueOrder, VenueReport } from '../../src/external-venue/messages.js';
import { handleMessage } from '../../src/external-venue/orders.js';
import { openQueue } from '../../src/queue/queues.js';
import { eventually } from '../support/eventually.js';
import { shares, startTrading, usd, type Trading } from '../support/trading.js';

const CALM: VenueBehaviour = {
  seed: 'test',
  latencyMin: 100,
  latencyMax: 100,
  partialShare: 0,
  rejectShare: 0,
  lateShare: 0,
  duplicateShare: 0,
  lostShare: 0,
  outageEveryMs: 0,
  outageForMs: 0,
};
const START = new Date('2026-11-27T15:00:00Z');
const at = (ms: number) => new Date(START.getTime() + ms);

describe('the simulated venue', () => {
  let trading: Trading;
  let knex: Knex;
  let reports: Queue<VenueReport>;

  before(async () => {
    trading = await startTrading(1);
    const { config, redis } = trading.container;
    knex = connectKnex(config.databaseUrl, 'test-venue', 2, 'brokerx_external_venue');
    reports = openQueue<VenueReport>('test-venue-reports', redis);
  });
  after(async () => {
    await reports.obliterate({ force: true });
    await knex.destroy();
    await trading.stop();
  });
  beforeEach(() => reports.drain());

  const order = (more: Partial<VenueOrder> = {}): VenueOrder => ({
    route: uuidv7(),
    symbol: 'AAPL',
    side: 'buy',
    qty: '5',
    limit_price: '151',
    reference_price: '150',
    good_until: at(10_000).toISOString(),
    ...more,
  });
  const send = (kind: VenueMessage['kind'], one: VenueOrder, ms: number, behaviour = CALM) =>
    handleMessage(knex, behaviour, { kind, order: one }, () => at(ms));
  /** What it has told by then, the first first. */
  const told = async (ms: number): Promise<VenueReport[]> => {
    while ((await deliverReports({ knex, reports }, 3, at(ms))) > 0);
    const jobs = await reports.getJobs(['waiting'], 0, -1, true);
    return jobs.map(({ data }) => data);
  };
  const summary = (all: readonly VenueReport[]) =>
    all.map(({ sequence, type, reason }) => `${sequence} ${type} ${reason ?? ''}`.trim());
  const sum = (all: readonly VenueReport[]) =>
    all.reduce((total, { qty }) => total + (qty === null ? 0n : shares(qty)), 0n);

  it('keeps its records from us, and sees none of ours', async () => {
    const denied = async (query: PromiseLike<unknown>) =>
      Promise.resolve(query).then(
        () => 'allowed',
        (error: unknown) => (error as Error).message,
      );
    for (const table of ['external_venue.orders', 'external_venue.reports']) {
      expect(await denied(trading.container.db.knex(table).select())).to.match(/denied/);
    }
    for (const table of ['orders', 'venue_routes', 'venue_reports', 'accounts', 'assets']) {
      expect(await denied(knex(table).select())).to.match(/denied/);
    }
  });

  it('trades an order once, and tells of it once, however often it is sent', async () => {
    const one = order();
    for (const kind of ['order', 'order', 'order'] as const) await send(kind, one, 0);
    const all = await told(2_000);
    expect(sum(all)).to.equal(shares('5'));
    expect(all.at(-1)).to.include({ type: 'done', total_qty: '5', route: one.route });
    expect(new Set(all.map(({ execution_id }) => execution_id)).size).to.equal(all.length);
    expect(all.every(({ price }) => price === null || usd(price) <= usd('151'))).to.equal(true);
  });

  it('trades nothing any more once it is canceled, and tells what it traded before', async () => {
    const [early, late] = [order(), order()];
    await send('cancel', early, 0); // before the order itself has arrived
    await send('order', early, 10);
    expect(summary(await told(5_000))).to.deep.equal(['1 done canceled']);
    await reports.drain();
    await send('order', late, 0);
    await send('cancel', late, 5_000); // too late: all of it was traded
    const all = await told(6_000);
    expect(all.filter(({ type }) => type === 'done')).to.have.length(1);
    expect(all.at(-1)).to.include({ total_qty: '5' });
  });

  it('does not take back what it is just telling when it is canceled', async () => {
    const one = order();
    await send('order', one, 0);
    let [now, asked] = [50, 0];
    const clock = () => ((asked += 1), at(now));
    let [begun, release] = [() => {}, () => {}];
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    const gate = new Promise<void>((resolve) => (release = resolve));
    const addBulk: Queue<VenueReport>['addBulk'] = async (jobs) => {
      begun();
      await gate; // on its way, and not noted as told
      return reports.addBulk(jobs);
    };
    const telling = deliverReports({ knex, reports: { addBulk } }, 1, at(150));
    await hasBegun;
    const canceling = handleMessage(knex, CALM, { kind: 'cancel', order: one }, clock);
    await eventually(() => Promise.resolve(expect(asked).to.be.greaterThan(0)).then(() => {}));
    now = 150;
    release();
    await Promise.all([telling, canceling]);
    const all = await told(5_000);
    expect(all.map(({ sequence }) => sequence)).to.deep.equal(all.map((_, index) => index + 1));
    expect(shares(all.at(-1)!.total_qty!)).to.equal(sum(all));
  });

  it('tells all that has happened again when it is asked, and nothing before its time', async () => {
    const one = order();
    await send('order', one, 0, { ...CALM, lostShare: 100 });
    expect(await told(9_000)).to.deep.equal([]);
    await send('query', one, 50);
    expect(await told(9_000)).to.deep.equal([]);
    await send('query', one, 9_000);
    const all = await told(9_000);
    expect(all.map(({ sequence }) => sequence)).to.deep.equal(all.map((_, index) => index + 1));
    expect(all.at(-1)).to.include({ type: 'done', total_qty: '5' });
  });

  it('takes nothing on whose time is over', async () => {
    await send('order', order({ good_until: at(-1).toISOString() }), 0);
    expect(summary(await told(0))).to.deep.equal(['1 done expired']);
  });

  it('stays within the limit, the quantity and the time, whatever it decides', () => {
    const behaviour = {
      ...CALM,
      latencyMin: 0,
      latencyMax: 900,
      partialShare: 50,
      rejectShare: 10,
    };
    for (let n = 0; n < 300; n += 1) {
      const side = n % 2 === 0 ? ('buy' as const) : ('sell' as const);
      const limitPrice = usd(side === 'buy' ? '149.99' : '150.01');
      const qty = BigInt(1 + n * n * 1_000_003);
      const terms = { route: `r${n}`, side, qty, limitPrice, referencePrice: usd('150') };
      const plan = planOrder({ ...terms, goodForMs: 1_000 }, behaviour);
      expect(planOrder({ ...terms, goodForMs: 1_000 }, behaviour)).to.deep.equal(plan);
      const fills = plan.filter(({ type }) => type === 'fill');
      const total = fills.reduce((all, fill) => all + fill.qty!, 0n);
      expect(total <= qty).to.equal(true);
      expect(fills.every((fill) => fill.qty! > 0n)).to.equal(true);
      const isWithin = (price: bigint) =>
        side === 'buy' ? price <= limitPrice : price >= limitPrice;
      expect(fills.every(({ price }) => isWithin(price!))).to.equal(true);
      expect(plan.every(({ happensAfter }) => happensAfter <= 1_000)).to.equal(true);
      const last = plan.at(-1)!;
      expect(last.type === 'rejected' ? fills.length : last.totalQty === total).to.be.oneOf([
        0,
        true,
      ]);
    }
  });

  it('is out for a while every so often, when it is told to be', () => {
    const outages = { outageEveryMs: 60_000, outageForMs: 5_000 };
    expect(isOut(outages, new Date(120_000 + 4_999))).to.equal(true);
    expect(isOut(outages, new Date(120_000 + 5_000))).to.equal(false);
    expect(isOut(CALM, new Date(0))).to.equal(false);
  });
});
