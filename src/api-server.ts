import type { Server } from 'node:http';
import { accountVersions } from './accounts/version.js';
import { createApp, type AppDeps } from './app.js';
import type { Config } from './config.js';
import { redisErrorLogger } from './container.js';
import { type Cached, cacheNamespace, createCached } from './http/cache.js';
import { CacheEntries } from './http/cache-entries.js';
import { createGuards } from './http/guards.js';
import { createHttpServer } from './http/server.js';
import { routeUpgrades } from './http/upgrade.js';
import { cacheOptions, connectRedis, subscriberOptions } from './redis.js';
import { marketHandler } from './streams/market-connection.js';
import { createStreams, type Streams, type StreamsDeps } from './streams/streams.js';
import { tradeUpdatesHandler } from './streams/websocket.js';

export interface ApiServerDeps extends Omit<AppDeps, 'streams'> {
  readonly config: AppDeps['config'] & Pick<Config, 'redisUrl' | 'databaseUrl' | 'cacheRedisUrl'>;
  /** In place of the cache in Redis. */
  readonly cached?: Cached | undefined;
  readonly streamLimits?: StreamsDeps['limits'];
}

/** What the API process serves: HTTP, server-sent events and WebSockets. */
export interface ApiServer {
  /** Not listening yet. */
  readonly server: Server;
  readonly streams: Streams;
  readonly cache: Cache;
}

interface Cache {
  readonly cached: Cached;
  /** Ends its connection: everything is answered without it. */
  close(): void;
}

/** Puts the API together, for the process and for tests alike. The streams are running already. */
export function createApiServer(deps: ApiServerDeps): ApiServer {
  const { config, db, catalog, log, redis, identity, streamLimits } = deps;
  const { apiKeys, sessions } = identity;
  const { rateLimitPerMin } = config;
  const cache = deps.cached ? { cached: deps.cached, close: ignore } : openCache(deps);
  const guards = createGuards({ apiKeys, sessions, rateLimitPerMin, cached: cache.cached });
  // The container's connection logs that Redis is away.
  const subscriber = () => connectRedis(config.redisUrl, subscriberOptions, ignore);
  const streams = createStreams({ db, catalog, redis, subscriber, log, limits: streamLimits });
  const app = createApp({ ...deps, streams }, guards);
  const server = createHttpServer(app);
  const { hub, messages, open, market } = streams;
  const sockets = { ...guards, app, log, streams: open };
  const stocks = marketHandler({ ...sockets, ...market, catalog }, 'us_equity');
  routeUpgrades(
    server,
    new Map([
      ['/stream', tradeUpdatesHandler({ ...sockets, hub, messages })],
      ['/v2/iex', stocks],
      ['/v2/sip', stocks],
      ['/v1beta3/crypto/us', marketHandler({ ...sockets, ...market, catalog }, 'crypto')],
    ]),
  );
  identity.onRevoked((ids) => open.revoke(ids));
  streams.start();
  return { server, streams, cache };
}

const ignore = (): void => undefined;

/** The cache's own connection: it may be another server, and its commands give up sooner. */
function openCache({ config, db, log }: ApiServerDeps): Cache {
  const { cacheRedisUrl, databaseUrl, marketHours } = config;
  const onError = redisErrorLogger(log, 'the Redis of the cache is away');
  const redis = connectRedis(cacheRedisUrl, cacheOptions, onError);
  const { host, pathname, search } = new URL(databaseUrl); // of a socket, the host is in its query
  const cached = createCached({
    entries: new CacheEntries(redis),
    accountVersion: accountVersions(db),
    namespace: cacheNamespace(host, pathname, search, marketHours),
  });
  return { cached, close: () => redis.disconnect() };
}
