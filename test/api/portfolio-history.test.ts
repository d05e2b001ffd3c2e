import { expect } from 'chai';
import { EXTERNAL_ACCOUNT, USD } from '../../src/ledger/house.js';
import { postJournals } from '../../src/ledger/post.js';
import { historySchema } from '../../src/portfolio/schema.js';
import { takeSnapshots } from '../../src/portfolio/snapshots.js';
import { expectProblem, startApi, type Api } from '../support/api.js';
import { expectShape } from '../support/shape.js';
import { startTrading, usd, type Trading } from '../support/trading.js';

interface History {
  timestamp: number[];
  equity: number[];
  profit_loss: number[];
  profit_loss_pct: number[];
  base_value: number;
  base_value_asof: string | null;
  timeframe: string;
  cashflow: Record<string, number[]>;
}

describe("a portfolio's history", () => {
  let trading: Trading;
  let always: Api;
  let nyse: Api;
  /** A Friday, 11:30 in New York (daylight time); the accounts are worth 1,260,000 then. */
  let time: Date;

  before(async () => {
    trading = await startTrading(2);
    always = await startApi(trading, { now: () => time });
    nyse = await startApi(trading, { settings: { marketHours: 'nyse' }, now: () => time });
  });
  after(async () => {
    await always.stop();
    await nyse.stop();
    await trading.stop();
  });
  beforeEach(async () => {
    time = new Date('2030-03-15T15:30:00Z');
    await trading.container.db.knex('equity_snapshots').delete();
  });

  const path = '/v2/account/portfolio/history';
  const call = (query: string, api = nyse) =>
    api.call('GET', path + query, { as: trading.accounts[0] });
  const history = async (query: string, api = nyse): Promise<History> => {
    const { status, body } = await call(query, api);
    expect(status, JSON.stringify(body)).to.equal(200);
    expectShape(historySchema, body);
    const { timestamp, equity, profit_loss: profit, profit_loss_pct: ratio } = body as History;
    const lengths = [timestamp, equity, profit, ratio].map((list) => list.length);
    expect(new Set(lengths), String(lengths)).to.have.lengthOf(1);
    return body as History;
  };
  const record = (snapshots: Record<string, string>) =>
    trading.container.db.knex('equity_snapshots').insert(
      Object.entries(snapshots).map(([takenAt, equity]) => ({
        account_id: trading.accounts[0]!.account_id,
        taken_at: takenAt,
        equity: String(usd(equity)),
      })),
    );
  const at = ({ timestamp }: History): string[] =>
    timestamp.map((seconds) => new Date(seconds * 1_000).toISOString().slice(0, 16));

  it('is what the account is worth now when nothing is recorded yet', async () => {
    const { equity, ...rest } = await history('');
    expect(equity).to.deep.equal([1_260_000]);
    expect(rest).to.deep.include({
      profit_loss: [0],
      profit_loss_pct: [0],
      base_value: 1_260_000,
      base_value_asof: null,
      timeframe: '1D',
      cashflow: {},
    });
  });

  it('has a point a trading day: the equity at its close, and of today the equity now', async () => {
    await record({
      '2030-03-08T20:59:00Z': '1000000', // Friday's close, 21:00 UTC: winter time
      '2030-03-11T19:00:00Z': '1100000.5',
      '2030-03-11T20:00:01Z': '1', // after Monday's close, 20:00 UTC: daylight time
      '2030-03-12T19:59:00Z': '1050000',
    });
    const found = await history('?period=5D&timeframe=1D');
    expect(at(found)).to.deep.equal([
      '2030-03-11T13:30',
      '2030-03-12T13:30',
      '2030-03-13T13:30',
      '2030-03-14T13:30',
      '2030-03-15T13:30',
    ]);
    expect(found).to.deep.include({
      equity: [1_100_000.5, 1_050_000, 1_050_000, 1_050_000, 1_260_000],
      profit_loss: [100_000.5, 50_000, 50_000, 50_000, 260_000],
      profit_loss_pct: [0.1, 0.05, 0.05, 0.05, 0.26],
      base_value: 1_000_000,
      base_value_asof: '2030-03-08',
      timeframe: '1D',
    });
  });

  it('has a day in minutes, within the core session or with the hours around it', async () => {
    await record({ '2030-03-14T19:00:00Z': '1200000', '2030-03-15T12:00:00Z': '1230000' });
    const core = await history('?period=1D&timeframe=15Min');
    expect(at(core)).to.have.lengthOf(8); // 9:30 to 11:15, which ends now
    expect(at(core)[0]).to.equal('2030-03-15T13:30');
    expect(core.base_value).to.equal(1_200_000);
    expect(core.base_value_asof).to.equal('2030-03-14');
    expect(core.equity[0]).to.equal(1_230_000);
    const extended = await history('?period=1D&timeframe=15Min&extended_hours=true');
    expect(at(extended)[0]).to.equal('2030-03-15T08:00');
    expect(at(extended)).to.have.lengthOf(30);
    const same = '?period=1D&timeframe=15Min&intraday_reporting=extended_hours';
    expect(await history(same)).to.deep.equal(extended);
    const minutes = await history('?period=1D');
    expect(minutes.timeframe).to.equal('1Min');
    expect(at(minutes)).to.have.lengthOf(120);
    expect(at(await history('?period=1D&timeframe=1H'))).to.deep.equal([
      '2030-03-15T13:30',
      '2030-03-15T14:30',
    ]);
  });

  it('is the last session on a weekend, up to its close', async () => {
    await record({ '2030-03-15T14:00:00Z': '1240000' });
    time = new Date('2030-03-17T12:00:00Z');
    const found = await history('?period=1D&timeframe=1H');
    expect(at(found)[0]).to.equal('2030-03-15T13:30');
    expect(at(found).at(-1)).to.equal('2030-03-15T19:30');
    expect(found.equity.at(-1)).to.equal(1_240_000);
  });

  it('counts profit from the close before each day, or from the beginning', async () => {
    await record({
      '2030-03-13T19:59:00Z': '1000000',
      '2030-03-14T14:00:00Z': '1100000',
      '2030-03-15T14:00:00Z': '1155000',
    });
    const query = '?start=2030-03-14T13:30:00Z&end=2030-03-15T15:29:00Z&timeframe=1H';
    const daily = await history(query);
    expect(daily.profit_loss.slice(0, 8)).to.deep.equal([
      ...Array<number>(7).fill(100_000),
      55_000,
    ]);
    expect(daily.profit_loss_pct[7]).to.equal(0.05);
    const through = await history(`${query}&pnl_reset=no_reset`);
    expect(through.profit_loss.slice(6, 8)).to.deep.equal([100_000, 155_000]);
    expect(daily.base_value).to.equal(1_000_000);
  });

  it('runs on without a break when asked to, and when the market never closes', async () => {
    await record({ '2030-03-15T00:00:00Z': '1200000' });
    const query = '?start=2030-03-14T22:00:00Z&end=2030-03-15T02:30:00Z&timeframe=1H';
    const found = await history(`${query}&intraday_reporting=continuous`);
    expect(at(found)).to.deep.equal([
      '2030-03-14T23:00',
      '2030-03-15T00:00',
      '2030-03-15T01:00',
      '2030-03-15T02:00',
    ]);
    const day = await history('?period=1D&timeframe=1H', always);
    expect(at(day)[0]).to.equal('2030-03-15T00:00');
    expect(at(day)).to.have.lengthOf(16);
    expect(day.base_value_asof).to.equal('2030-03-14');
    expect(day.base_value).to.equal(1_200_000);
  });

  it('goes by dates, too, as older programs ask', async () => {
    await record({ '2030-03-12T12:00:00Z': '1200000' });
    const found = await history('?date_start=2030-03-12&date_end=2030-03-13&timeframe=1D');
    expect(at(found)).to.deep.equal(['2030-03-12T13:30', '2030-03-13T13:30']);
    const week = await history('?date_end=2030-03-13&period=2D&timeframe=1D');
    expect(at(week)).to.deep.equal(['2030-03-12T13:30', '2030-03-13T13:30']);
    const from = await history('?start=2030-03-12T00:00:00Z&period=1D&timeframe=1D');
    expect(at(from)).to.deep.equal(['2030-03-12T13:30']);
  });

  it('chooses the timeframe by the length', async () => {
    const chosen = async (query: string) => (await history(query)).timeframe;
    expect(await chosen('?period=6D')).to.equal('1Min');
    expect(await chosen('?period=1W')).to.equal('15Min');
    expect(await chosen('?period=29D')).to.equal('15Min');
    expect(await chosen('?period=1M')).to.equal('1D');
    expect(await chosen('?period=9999A')).to.equal('1D');
    expect(await chosen('?period=9999D')).to.equal('1D');
  });

  it('shows what came in and went out beside it', async () => {
    const { knex } = trading.container.db;
    time = new Date();
    await takeSnapshots(knex, new Date(time.getTime() - 1));
    for (const amount of [usd('100'), usd('-30')]) {
      await knex.transaction((trx) =>
        postJournals(trx, [
          {
            kind: amount > 0n ? 'deposit' : 'withdrawal',
            lines: [
              { accountId: trading.accounts[1]!.account_id, assetId: USD, amount },
              { accountId: EXTERNAL_ACCOUNT, assetId: USD, amount: -amount },
            ],
          },
        ]),
      );
    }
    const read = (types: string) =>
      always.call('GET', `${path}?period=1D&timeframe=1D&cashflow_types=${types}`, {
        as: trading.accounts[1],
      });
    const { body } = await read('ALL');
    expectShape(historySchema, body);
    expect(body.cashflow).to.deep.equal({ CSD: [100_100], CSW: [-30], JNLC: [0] });
    expect((await read('csw,DIV')).body.cashflow).to.deep.equal({ CSW: [-30] });
    expect((await read('NONE')).body.cashflow).to.deep.equal({});
  });

  it('gives the account its last equity', async () => {
    await record({ '2030-03-14T19:00:00Z': '1111111.11', '2030-03-14T20:00:01Z': '1' });
    const account = (api: Api) => api.call('GET', '/v2/account', { as: trading.accounts[0] });
    expect((await account(nyse)).body).to.include({
      last_equity: '1111111.11',
      balance_asof: '2030-03-14',
      equity: '1260000',
    });
    expect((await account(always)).body).to.include({ last_equity: '1' });
    time = new Date('2030-03-15T22:00:00Z'); // after the close it is the day before's all the same
    expect((await account(nyse)).body).to.include({ last_equity: '1111111.11' });
  });

  it('refuses ranges that make no sense', async () => {
    for (const query of [
      '?period=1',
      '?period=0D',
      '?period=1Q',
      '?timeframe=2Min',
      '?period=8D&timeframe=1Min',
      '?period=2M&timeframe=1H',
      '?start=2030-01-01&timeframe=5Min',
      '?start=2030-03-15&end=2030-03-14',
      '?start=2031-01-01',
      '?start=2030-03-01&end=2030-03-02&period=1D',
      '?start=2030-03-01&date_start=2030-03-01',
      '?end=soon',
      '?intraday_reporting=sometimes',
      '?pnl_reset=never',
      '?cashflow_types=PARTY',
      '?extended_hours=maybe',
    ]) {
      expectProblem(await call(query), 422, 42210000);
    }
    const { body } = await call('?period=8D&timeframe=1Min');
    expect(body.detail).to.equal('timeframe 1Min is for 7 days at most; the range has 8');
  });
});
