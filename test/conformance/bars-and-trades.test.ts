import { createRequire } from 'node:module';
import { marketData } from 'alpaca-trade-api-4';
import { expect } from 'chai';
import { seededRandom } from '../../src/market/random-walk.js';
import { startApi, type Api } from '../support/api.js';
import {
  advanceAll,
  barsOf,
  randomTrades,
  tradesOf,
  writeTrades,
} from '../support/market-trades.js';
import { startTrading, type Trading } from '../support/trading.js';

interface Row {
  Timestamp: string;
  Symbol?: string;
}
interface Sdk3 {
  getBarsV2(symbol: string, options: object): AsyncIterable<Row>;
  getMultiBarsV2(symbols: string[], options: object): Promise<Map<string, Row[]>>;
  getTradesV2(symbol: string, options: object): AsyncIterable<Row>;
  getMultiTradesV2(symbols: string[], options: object): Promise<Map<string, Row[]>>;
  getLatestTrade(symbol: string): Promise<Row>;
  getLatestTrades(symbols: string[]): Promise<Map<string, Row>>;
  getLatestBar(symbol: string): Promise<Row>;
  getLatestBars(symbols: string[]): Promise<Map<string, Row>>;
  getCryptoBars(symbols: string[], options: object): Promise<Map<string, Row[]>>;
  getCryptoTrades(symbols: string[], options: object): Promise<Map<string, Row[]>>;
  getLatestCryptoBars(symbols: string[]): Promise<Map<string, Row>>;
  getLatestCryptoTrades(symbols: string[]): Promise<Map<string, Row>>;
}
const Alpaca3 = createRequire(import.meta.url)('@alpacahq/alpaca-trade-api') as new (
  options: object,
) => Sdk3;

const FROM = new Date('2026-03-18T20:00:00Z');
const TO = new Date('2026-03-20T20:00:00Z');
const STOCKS = ['AAPL', 'MSFT'];
const COIN = 'BTC/USD';
const NEVER_MS = 0;

/** Of what is by symbol, the SDK leaves the times as text; of the rest it adds members without a value. */
const timed = <Item extends { t: Date }>(items: readonly Item[]) =>
  items.map((item) => ({ ...(JSON.parse(JSON.stringify(item)) as Item), t: new Date(item.t) }));

/** The unmodified SDKs, with our address as that of the data. */
describe('bars and trades in the SDKs', () => {
  let trading: Trading;
  let api: Api;
  const times = { start: FROM, end: TO };

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
    const random = seededRandom(1);
    for (const symbol of [...STOCKS, COIN]) {
      await writeTrades(trading, randomTrades(symbol, 50, { from: FROM, gapMs: 3e6, random }));
    }
    await advanceAll(trading.container.db.knex);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const count = async (symbol: string) => {
    const trades = await tradesOf(trading, symbol);
    return { trades: trades.length, hours: barsOf(trades, '1Hour').length };
  };

  describe('4.0.2', () => {
    let configuration: marketData.Configuration;
    before(() => {
      const { key_id: keyId, secret_key: secret } = trading.accounts[0]!;
      configuration = new marketData.Configuration({
        basePath: api.url,
        timeoutMs: NEVER_MS,
        apiKey: (name) => (name === 'APCA-API-KEY-ID' ? keyId : secret),
      });
    });

    it('of stocks', async () => {
      const stocks = new marketData.StockApi(configuration);
      const expected = await count('AAPL');
      const symbols = 'AAPL,MSFT';
      const terms = { timeframe: '1Hour', limit: 10_000, feed: 'iex', sort: 'desc' } as const;
      const bars = await stocks.stockBars({ symbols, ...terms, ...times, adjustment: 'split' });
      expect(bars.bars['AAPL']).to.have.lengthOf(expected.hours);
      const one = await stocks.stockBarSingle({ symbol: 'AAPL', ...terms, ...times });
      expect(timed(one.bars)).to.deep.equal(timed(bars.bars['AAPL']!));
      expect(one.bars[0]!.t).to.be.instanceOf(Date);
      const trades = await stocks.stockTrades({ symbols, ...times, limit: 60 });
      expect(trades.trades['MSFT']).to.have.lengthOf(60 - expected.trades);
      const pageToken = trades.nextPageToken!;
      const rest = await stocks.stockTrades({ symbols, ...times, limit: 60, pageToken });
      expect(rest).to.deep.include({ nextPageToken: null });
      const single = await stocks.stockTradeSingle({ symbol: 'AAPL', ...times });
      expect(timed(single.trades)).to.deep.equal(timed(trades.trades['AAPL']!));
      const latestBars = await stocks.stockLatestBars({ symbols });
      expect(Object.keys(latestBars.bars)).to.deep.equal(STOCKS);
      const { bar } = await stocks.stockLatestBarSingle({ symbol: 'AAPL' });
      expect(timed([bar])).to.deep.equal(timed([latestBars.bars['AAPL']!]));
      const latestTrades = await stocks.stockLatestTrades({ symbols });
      const { trade } = await stocks.stockLatestTradeSingle({ symbol: 'AAPL' });
      expect(timed([trade])).to.deep.equal(timed([latestTrades.trades['AAPL']!]));
    });

    it('of crypto', async () => {
      const crypto = new marketData.CryptoApi(configuration);
      const expected = await count(COIN);
      const asked = { loc: 'us', symbols: COIN } as const;
      const { bars } = await crypto.cryptoBars({ ...asked, timeframe: '1H', ...times });
      expect(bars[COIN]).to.have.lengthOf(expected.hours);
      const { trades } = await crypto.cryptoTrades({ ...asked, ...times });
      expect(trades[COIN]).to.have.lengthOf(expected.trades);
      expect(['B', 'S']).to.include(trades[COIN]![0]!.tks);
      expect((await crypto.cryptoLatestBars(asked)).bars).to.have.all.keys(COIN);
      const latest = await crypto.cryptoLatestTrades(asked);
      expect(timed([latest.trades[COIN]!])).to.deep.equal(timed(trades[COIN]!.slice(-1)));
    });
  });

  describe('3.1.3', () => {
    const open = () => {
      const { key_id: keyId, secret_key: secretKey } = trading.accounts[0]!;
      return new Alpaca3({ keyId, secretKey, baseUrl: api.url, dataBaseUrl: api.url });
    };
    const range = { start: FROM.toISOString(), end: TO.toISOString() };
    const all = async (rows: AsyncIterable<Row>): Promise<Row[]> => {
      const list: Row[] = [];
      for await (const row of rows) list.push(row);
      return list;
    };

    it('of stocks', async () => {
      const sdk = open();
      const expected = await count('AAPL');
      const bars = await all(sdk.getBarsV2('AAPL', { ...range, timeframe: '1Hour', pageLimit: 7 }));
      expect(bars).to.have.lengthOf(expected.hours);
      const several = await sdk.getMultiBarsV2(STOCKS, { ...range, timeframe: '1Hour', limit: 5 });
      expect([...several.keys()]).to.deep.equal(['AAPL']);
      const trades = await all(sdk.getTradesV2('AAPL', { ...range, pageLimit: 11 }));
      expect(trades).to.have.lengthOf(expected.trades);
      const both = await sdk.getMultiTradesV2(STOCKS, { ...range, pageLimit: 11 });
      expect([...both.keys()]).to.deep.equal(STOCKS);
      expect(both.get('AAPL')).to.have.lengthOf(expected.trades);
      expect((await sdk.getLatestTrade('AAPL')).Timestamp).to.equal(trades.at(-1)!.Timestamp);
      expect((await sdk.getLatestTrades(STOCKS)).size).to.equal(2);
      expect((await sdk.getLatestBar('AAPL')).Timestamp).to.be.a('string');
      expect((await sdk.getLatestBars(STOCKS)).size).to.equal(2);
    });

    it('of crypto', async () => {
      const sdk = open();
      const expected = await count(COIN);
      const bars = await sdk.getCryptoBars([COIN], { ...range, timeframe: '1Hour' });
      expect(bars.get(COIN)).to.have.lengthOf(expected.hours);
      const trades = await sdk.getCryptoTrades([COIN], range);
      expect(trades.get(COIN)).to.have.lengthOf(expected.trades);
      expect((await sdk.getLatestCryptoBars([COIN])).has(COIN)).to.equal(true);
      expect((await sdk.getLatestCryptoTrades([COIN])).has(COIN)).to.equal(true);
    });
  });
});
