import { expect } from 'chai';
import { advanceTape } from '../../src/market/tape.js';
import { expectProblem, startApi, type Api } from '../support/api.js';
import { writeTrades } from '../support/market-trades.js';
import { shares, startTrading, usd, type Trading } from '../support/trading.js';

const DAY_MS = 86_400_000;
const NOON_MS = DAY_MS / 2;

describe('snapshots of a market', () => {
  let trading: Trading;
  let api: Api;
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const at = (daysAgo: number, ms = NOON_MS) => new Date(today - daysAgo * DAY_MS + ms);

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
    const trade = (symbol: string, price: string, qty: string, executedAt: Date) => ({
      ...{ symbol, price: usd(price), qty: shares(qty), executedAt },
    });
    await writeTrades(trading, [
      trade('AAPL', '90', '1', at(9)),
      trade('AAPL', '100', '2', at(4)),
      trade('AAPL', '104', '1', at(4, NOON_MS + 3_600_000)),
      trade('AAPL', '110', '3', at(1)),
      trade('AAPL', '111', '5', at(1, NOON_MS + 1_000)),
      trade('BTC/USD', '65000', '0.5', at(1)),
    ]);
    await advanceTape(trading.container.db.knex, 'always');
    await trading.place({ account: 0, side: 'buy', qty: '2', price: '109.5' });
    await trading.place({ account: 0, side: 'buy', symbol: 'ETH/USD', qty: '0.1', price: '2000' });
    await trading.settle();
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const get = (path: string) => api.call('GET', path, { as: trading.accounts[0] });

  const expectApple = (snapshot: Record<string, object>) => {
    expect(snapshot['latestTrade']).to.include({ p: 111, s: 5, x: 'Q', z: 'C' });
    expect(snapshot['latestQuote']).to.include({ bp: 109.5, bs: 2, ap: 0, as: 0 });
    expect(snapshot['minuteBar']).to.include({ o: 110, c: 111, v: 8, n: 2 });
    expect(snapshot['dailyBar']).to.include({ o: 110, h: 111, c: 111, v: 8, n: 2 });
    expect(snapshot['prevDailyBar']).to.include({ o: 100, c: 104, v: 3, n: 2 });
  };

  it('tell of a stock its latest trade, quote, minute and days with a trade', async () => {
    const { status, body } = await get('/v2/stocks/AAPL/snapshot');
    expect(status).to.equal(200);
    expect(body.symbol).to.equal('AAPL');
    expectApple(body as Record<string, object>);
  });

  it('tell of several stocks, with null for what there is not', async () => {
    const { body } = await get('/v2/stocks/snapshots?symbols=KO,AAPL,NONE');
    expect(body).to.have.all.keys('AAPL', 'KO');
    expectApple(body.AAPL as Record<string, object>);
    const none = { latestTrade: null, minuteBar: null, dailyBar: null, prevDailyBar: null };
    expect(body.KO).to.deep.include(none);
    expect(body.KO.latestQuote).to.include({ bp: 0, ap: 0 });
  });

  it('tell of pairs to anybody', async () => {
    const path = '/v1beta3/crypto/us/snapshots?symbols=BTC/USD,ETH/USD';
    const { snapshots } = (await api.call('GET', path)).body as {
      snapshots: Record<string, Record<string, object | null>>;
    };
    expect(snapshots['BTC/USD']!['latestTrade']).to.include({ p: 65000, s: 0.5, tks: 'B' });
    expect(snapshots['BTC/USD']!['dailyBar']).to.include({ c: 65000, n: 1 });
    expect(snapshots['BTC/USD']!['prevDailyBar']).to.equal(null);
    expect(snapshots['ETH/USD']!['latestQuote']).to.include({ bp: 2000, bs: 0.1 });
  });

  it('are not there for what is no stock', async () => {
    expectProblem(await get('/v2/stocks/NONE/snapshot'), 404, 40410000);
    expectProblem(await get('/v2/stocks/BTCUSD/snapshot'), 404, 40410000);
  });
});
