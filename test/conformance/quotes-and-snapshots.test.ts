import { createRequire } from 'node:module';
import { marketData } from 'alpaca-trade-api-4';
import { expect } from 'chai';
import { startApi, type Api } from '../support/api.js';
import { advanceAll } from '../support/market-trades.js';
import { startTrading, type Trading } from '../support/trading.js';

type Row = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- JavaScript
interface Sdk3 {
  getLatestQuote(symbol: string): Promise<Row>;
  getLatestQuotes(symbols: string[]): Promise<Map<string, Row>>;
  getSnapshot(symbol: string): Promise<Row>;
  getSnapshots(symbols: string[]): Promise<Row[]>;
  getLatestCryptoQuotes(symbols: string[]): Promise<Map<string, Row>>;
  getCryptoSnapshots(symbols: string[]): Promise<Map<string, Row>>;
  getCryptoOrderbooks(symbols: string[]): Promise<Map<string, Row>>;
}
const Alpaca3 = createRequire(import.meta.url)('@alpacahq/alpaca-trade-api') as new (
  options: object,
) => Sdk3;

const COIN = 'BTC/USD';
const NEVER_MS = 0;

/** The unmodified SDKs, with our address as that of the data. */
describe('quotes, order books and snapshots in the SDKs', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(2);
    api = await startApi(trading);
    for (const [symbol, bid, ask] of [
      ['AAPL', '149', '150.5'],
      [COIN, '59900', '60000'],
    ] as const) {
      await trading.place({ account: 0, side: 'sell', symbol, qty: '2', price: ask });
      await trading.place({ account: 0, side: 'buy', symbol, qty: '0.5', price: bid });
      await trading.place({ account: 1, side: 'buy', symbol, qty: '1', price: ask });
    }
    await trading.settle();
    await advanceAll(trading.container.db.knex);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const key = () => trading.accounts[0]!;

  it('are understood by 4.0.2', async () => {
    const { key_id: keyId, secret_key: secret } = key();
    const configuration = new marketData.Configuration({
      basePath: api.url,
      timeoutMs: NEVER_MS,
      apiKey: (name) => (name === 'APCA-API-KEY-ID' ? keyId : secret),
    });
    const stocks = new marketData.StockApi(configuration);
    const quote = { bp: 149, bs: 0.5, ap: 150.5, as: 1 };
    const symbols = 'AAPL,KO';
    const { quotes } = await stocks.stockLatestQuotes({ symbols, feed: 'iex' });
    expect(quotes['AAPL']).to.include(quote);
    expect((await stocks.stockLatestQuoteSingle({ symbol: 'AAPL' })).quote).to.include(quote);
    const one = await stocks.stockSnapshotSingle({ symbol: 'AAPL' });
    expect(one.latestQuote).to.include(quote);
    expect(one.latestTrade).to.include({ p: 150.5, s: 1 });
    expect(one.dailyBar).to.include({ c: 150.5, n: 1 });
    expect(await stocks.stockSnapshots({ symbols })).to.have.all.keys('AAPL', 'KO');

    const crypto = new marketData.CryptoApi(configuration);
    const asked = { loc: 'us', symbols: COIN } as const;
    const coinQuote = { bp: 59900, bs: 0.5, ap: 60000, as: 1 };
    expect((await crypto.cryptoLatestQuotes(asked)).quotes[COIN]).to.include(coinQuote);
    const { orderbooks } = await crypto.cryptoLatestOrderbooks(asked);
    expect(orderbooks[COIN]).to.deep.include({ a: [{ p: 60000, s: 1 }] });
    const { snapshots } = await crypto.cryptoSnapshots(asked);
    expect(snapshots[COIN]!.latestQuote).to.include(coinQuote);
  });

  it('are understood by 3.1.3', async () => {
    const { key_id: keyId, secret_key: secretKey } = key();
    const sdk = new Alpaca3({ keyId, secretKey, baseUrl: api.url, dataBaseUrl: api.url });
    const quote = { BidPrice: 149, BidSize: 0.5, AskPrice: 150.5, AskSize: 1 };
    expect(await sdk.getLatestQuote('AAPL')).to.include(quote);
    expect((await sdk.getLatestQuotes(['AAPL', 'KO'])).get('AAPL')).to.include(quote);
    const { LatestQuote, LatestTrade, DailyBar } = await sdk.getSnapshot('AAPL');
    expect(LatestQuote).to.include(quote);
    expect(LatestTrade).to.include({ Price: 150.5, Size: 1 });
    expect(DailyBar).to.include({ ClosePrice: 150.5 });
    expect(await sdk.getSnapshots(['AAPL', 'KO'])).to.have.lengthOf(2);

    expect((await sdk.getLatestCryptoQuotes([COIN])).get(COIN)).to.include({ BidPrice: 59900 });
    expect((await sdk.getCryptoOrderbooks([COIN])).get(COIN)).to.have.property('Asks');
    expect((await sdk.getCryptoSnapshots([COIN])).get(COIN)).to.have.property('LatestQuote');
  });
});
