import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import type { MarketClient } from '../support/market-client.js';
import { MarketStreams } from '../support/market-streams.js';

describe('the books of market data streams', () => {
  let floor: MarketStreams;

  before(async () => (floor = await MarketStreams.start()));
  afterEach(() => floor.closeClients());
  after(() => floor.stop());

  /** What REST says of a book, as numbers. */
  async function bookOf(symbol: string, depth = 50) {
    const path = `/v2/markets/${symbol}/book?depth=${depth}`;
    const { body } = await floor.api.call('GET', path, { as: floor.trading.accounts[0] });
    const levels = (side: { price: string; size: string }[]) =>
      side.map(({ price, size }) => ({ p: Number(price), s: Number(size) }));
    return { b: levels(body.bids), a: levels(body.asks) };
  }
  const shown = (client: MarketClient, symbol: string) => {
    const { b, a } = client.books.get(symbol)!;
    return { b, a };
  };

  it('are marked as stale without a publisher, come from the database, and recover', async function () {
    this.timeout(30_000);
    const client = await floor.subscribe({ orderbooks: ['KO'], trades: ['AAPL'] });
    await client.has(({ T, stale }) => T === 'o' && stale === false);
    await floor.stopFeed();
    await client.has(({ T, stale }) => T === 'feed' && stale === true);
    await floor.trading.place({ account: 0, side: 'buy', symbol: 'KO', qty: '7', price: '60' });
    await floor.trading.settle();
    await eventually(() => {
      const { b, stale, seq } = client.books.get('KO')!;
      expect({ b, stale, seq }).to.deep.equal({ b: [{ p: 60, s: 7 }], stale: true, seq: 0 });
      return Promise.resolve();
    });
    const late = await floor.subscribe({ trades: ['KO'] });
    await late.has(({ T, stale }) => T === 'feed' && stale === true);
    floor.startFeed();
    await client.has(({ T, stale }) => T === 'feed' && stale === false);
    await eventually(() => {
      const { b, stale, seq } = client.books.get('KO')!;
      expect({ b, stale }).to.deep.equal({ b: [{ p: 60, s: 7 }], stale: false });
      expect(seq).to.be.greaterThan(0);
      return Promise.resolve();
    });
    await floor.trade();
    await client.has(({ T, stale }) => T === 't' && stale === false);
    expect(client.gaps).to.equal(0);
  });

  it('come whole to whoever asks after a gap', async () => {
    const client = await floor.subscribe({ orderbooks: ['AAPL'] });
    await client.has(({ T }) => T === 'o');
    client.books.clear(); // as if it had missed something
    await floor.trading.place({ account: 0, side: 'buy', qty: '1', price: '130' });
    await floor.trading.settle();
    await eventually(() => {
      expect(client.gaps).to.be.greaterThan(0);
      return Promise.resolve();
    });
    client.send({ action: 'snapshot', orderbooks: ['AAPL'] });
    await eventually(async () => {
      expect(shown(client, 'AAPL')).to.deep.equal(await bookOf('AAPL'));
    });
  });
});
