import { redisErrorLogger, type Container } from '../src/container.js';
import { MarketPublisher } from '../src/market/market-publisher.js';
import { marketTapeLag } from '../src/market/metrics.js';
import { connectRedis, subscriberOptions } from '../src/redis.js';
import { startLeader } from './leader.js';
import { ADVISORY_LOCKS } from '../src/advisory-locks.js';

/**
 * Adds the trades up to bars and tells the API processes what happens in the market until stopped, in
 * one of all processes with this role.
 * @returns stops it
 */
export function startMarketData(
  container: Pick<Container, 'config' | 'log' | 'db' | 'catalog' | 'redis'>,
): () => Promise<void> {
  const { config, log, db, catalog, redis } = container;
  const { marketHours, redisUrl } = config;
  const hints = connectRedis(redisUrl, subscriberOptions, redisErrorLogger(log));
  const publisher = new MarketPublisher({ db, catalog, redis, hints, marketHours });
  let caughtUpAt: number | undefined;
  const stop = startLeader(container, {
    name: 'the publisher of market data',
    lock: ADVISORY_LOCKS.marketDataLeader,
    everyMs: 0, // a step waits by itself
    async step(signal) {
      caughtUpAt ??= Date.now();
      try {
        if (await publisher.step(signal)) caughtUpAt = Date.now();
      } finally {
        marketTapeLag.set((Date.now() - caughtUpAt) / 1_000);
      }
    },
  });
  publisher.start();
  return async () => {
    await stop();
    publisher.stop();
  };
}
