import { expect } from 'chai';
import { readBooks } from '../../src/market/book.js';
import { expectProblem, startApi, type Api } from '../support/api.js';
import { shares, startTrading, usd, type TestOrder, type Trading } from '../support/trading.js';

describe('the order book', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(3);
    api = await startApi(trading);
    const rest = (
      side: 'buy' | 'sell',
      price: string,
      qty: string,
      more: Partial<TestOrder> = {},
    ) => trading.place({ account: 0, side, price, qty, ...more });
    await rest('buy', '99.5', '1');
    await rest('buy', '99.5', '2.5', { account: 1 });
    await rest('buy', '99', '4');
    await rest('buy', '98.01', '8');
    await rest('sell', '101', '3');
    await rest('sell', '100.25', '7', { account: 1 });
    await rest('buy', '65000.5', '0.25', { symbol: 'BTC/USD' });
    await rest('sell', '410', '2', { symbol: 'MSFT' });
    await trading.settle();
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const get = (path: string) => api.call('GET', path, { as: trading.accounts[0] });
  const BIDS = [
    { price: '99.5', size: '3.5', orders: 2 },
    { price: '99', size: '4', orders: 1 },
    { price: '98.01', size: '8', orders: 1 },
  ];
  const ASKS = [
    { price: '100.25', size: '7', orders: 1 },
    { price: '101', size: '3', orders: 1 },
  ];

  it('adds up what rests at each price, best first, as exact decimals', async () => {
    const { status, body } = await get('/v2/markets/AAPL/book');
    expect(status).to.equal(200);
    expect(body).to.deep.include({ symbol: 'AAPL', bids: BIDS, asks: ASKS });
    expect(Date.now() - Date.parse(body.as_of as string)).to.be.within(0, 5_000);
  });

  it('shows as many levels as were asked for', async () => {
    const { body } = await get('/v2/markets/AAPL/book?depth=1');
    expect(body).to.deep.include({ bids: BIDS.slice(0, 1), asks: ASKS.slice(0, 1) });
  });

  it('is found by the symbol of a pair in each of its forms', async () => {
    for (const name of ['BTC/USD', 'BTC%2FUSD', 'BTCUSD', 'btc/usd']) {
      const { body } = await get(`/v2/markets/${name}/book`);
      expect(body, name).to.deep.include({
        symbol: 'BTC/USD',
        bids: [{ price: '65000.5', size: '0.25', orders: 1 }],
        asks: [],
      });
    }
  });

  it('shrinks by what trades, and loses a level that is used up', async () => {
    await trading.place({ account: 2, side: 'buy', qty: '3', symbol: 'MSFT', price: '410' });
    await trading.settle();
    const { body } = await get('/v2/markets/MSFT/book');
    expect(body).to.deep.include({ bids: [{ price: '410', size: '1', orders: 1 }], asks: [] });
  });

  it('refuses what it does not know', async () => {
    expectProblem(await get('/v2/markets/NONE/book'), 404, 40410000);
    expectProblem(await get('/v2/markets/AAPL/book?depth=0'), 422, 42210000);
    expectProblem(await get('/v2/markets/AAPL/book?depth=101'), 422, 42210000);
    expectProblem(await api.call('GET', '/v2/markets/AAPL/book'), 401, 40110000);
  });

  it('is read for many assets at once, in their order', async () => {
    const { catalog, db } = trading.container;
    const ids = ['KO', 'BTC/USD', 'AAPL'].map((symbol) => catalog.find(symbol)!.id);
    const [none, pair, stock] = await readBooks(db, ids, 1);
    expect(none).to.deep.equal({ bids: [], asks: [] });
    expect(pair!.bids).to.deep.equal([{ price: usd('65000.5'), size: shares('0.25'), orders: 1 }]);
    expect(stock!.asks).to.deep.equal([{ price: usd('100.25'), size: shares('7'), orders: 1 }]);
  });

  describe("in Alpaca's shapes", () => {
    it('is a crypto order book, which anybody may read', async () => {
      const path = '/v1beta3/crypto/us/latest/orderbooks?symbols=BTC/USD,ETHUSD';
      const { status, body } = await api.call('GET', path);
      expect(status).to.equal(200);
      const { t, ...sides } = body.orderbooks['BTC/USD'];
      expect(sides).to.deep.equal({ b: [{ p: 65000.5, s: 0.25 }], a: [] });
      expect(Date.parse(t as string)).to.be.greaterThan(0);
      expect(body.orderbooks).to.have.all.keys('BTC/USD', 'ETH/USD');
    });

    it('is a crypto quote, with zeros where nothing rests', async () => {
      const { body } = await api.call('GET', '/v1beta3/crypto/us/latest/quotes?symbols=BTC/USD');
      expect(body.quotes['BTC/USD']).to.deep.include({ bp: 65000.5, bs: 0.25, ap: 0, as: 0 });
    });

    const AAPL = { ax: 'Q', ap: 100.25, as: 7, bx: 'Q', bp: 99.5, bs: 3.5, c: ['R'], z: 'C' };

    it('is the quote of a stock', async () => {
      const { body } = await get('/v2/stocks/AAPL/quotes/latest?feed=iex');
      expect(body.symbol).to.equal('AAPL');
      expect(body.quote).to.deep.include(AAPL);
    });

    it('is the quotes of some stocks', async () => {
      const { body } = await get('/v2/stocks/quotes/latest?symbols=AAPL&symbols=MSFT');
      expect(body.quotes).to.have.all.keys('AAPL', 'MSFT');
      expect(body.quotes.AAPL).to.deep.include(AAPL);
    });

    it('keeps stocks and pairs apart', async () => {
      expectProblem(await get('/v2/stocks/BTCUSD/quotes/latest'), 404, 40410000);
      const stock = await get('/v2/stocks/quotes/latest?symbols=AAPL,BTC/USD,NONE');
      expect(stock.body.quotes).to.have.all.keys('AAPL');
      const crypto = await get('/v1beta3/crypto/us/latest/quotes?symbols=AAPL,BTC/USD');
      expect(crypto.body.quotes).to.have.all.keys('BTC/USD');
      expectProblem(await get('/v2/stocks/quotes/latest'), 422, 42210000);
      expectProblem(await get('/v2/stocks/quotes/latest?symbols='), 422, 42210000);
    });
  });
});
