import { MarketPublisher } from '../../src/market/market-publisher.js';
import { connectRedis, subscriberOptions } from '../../src/redis.js';
import type { Trading } from './trading.js';

/** Publishes market data as a worker does, until stopped. */
export function startMarketFeed({ container }: Pick<Trading, 'container'>): {
  stop: () => Promise<void>;
} {
  const { config, db, catalog, redis } = container;
  const hints = connectRedis(config.redisUrl, subscriberOptions, () => undefined);
  const { marketHours } = config;
  const publisher = new MarketPublisher({ db, catalog, redis, hints, marketHours });
  const over = new AbortController();
  publisher.start();
  const done = (async () => {
    while (!over.signal.aborted) await publisher.step(over.signal);
  })();
  return {
    async stop() {
      over.abort();
      await done;
      publisher.stop();
    },
  };
}
