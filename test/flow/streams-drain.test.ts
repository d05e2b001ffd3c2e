import { expect } from 'chai';
import { EventStreamClient } from '../support/event-stream-client.js';
import { eventually } from '../support/eventually.js';
import { MarketClient } from '../support/market-client.js';
import { startProduct, type Product } from '../support/processes.js';
import { StreamClient } from '../support/stream-client.js';

/** The drain waits 10 s at most: a stream that nobody ended would take all of that. */
const STOPS_WITHIN_MS = 5_000;

describe('streams of a product that stops', function () {
  this.timeout(60_000);
  let product: Product;

  before(async () => {
    product = await startProduct({ env: { RATE_LIMIT_PER_MIN: '0' } });
  });
  after(() => product.stop());

  it('are ended, and do not hold it up', async () => {
    const { url, clients } = product.demo;
    const socket = await StreamClient.listen(url, clients[0]!);
    const events = await EventStreamClient.open(url, clients[0]!);
    const market = await MarketClient.subscribe(url, '/v2/iex', clients[0]!, { orderbooks: ['*'] });
    await market.has(({ T, r, stale }) => T === 'o' && r === true && stale === false);
    const { api } = await product.pids();
    const started = performance.now();
    process.kill(api!, 'SIGTERM');
    expect(await socket.end()).to.include({ code: 1001 });
    expect(await market.end()).to.include({ code: 1001 });
    await eventually(async () => {
      expect(events.isEnded).to.equal(true);
      expect((await product.pids())['api']).not.to.equal(api);
    });
    expect(performance.now() - started).to.be.lessThan(STOPS_WITHIN_MS);
    await eventually(async () => {
      const again = await StreamClient.listen(url, clients[0]!); // the supervisor started it anew
      again.close();
    }, 20_000);
  });
});
