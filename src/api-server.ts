import type { Server } from 'node:http';
import { createApp, type AppDeps } from './app.js';
import type { Config } from './config.js';
import { createGuards } from './http/guards.js';
import { createHttpServer } from './http/server.js';
import { routeUpgrades } from './http/upgrade.js';
import { connectRedis, subscriberOptions } from './redis.js';
import { marketHandler } from './streams/market-connection.js';
import { createStreams, type Streams, type StreamsDeps } from './streams/streams.js';
import { tradeUpdatesHandler } from './streams/websocket.js';

export interface ApiServerDeps extends Omit<AppDeps, 'streams'> {
  readonly config: AppDeps['config'] & Pick<Config, 'redisUrl'>;
  readonly streamLimits?: StreamsDeps['limits'];
}

/** What the API process serves: HTTP, server-sent events and WebSockets. */
export interface ApiServer {
  /** Not listening yet. */
  readonly server: Server;
  readonly streams: Streams;
}

/** Puts the API together, for the process and for tests alike. The streams are running already. */
export function createApiServer(deps: ApiServerDeps): ApiServer {
  const { config, db, catalog, log, redis, identity, streamLimits } = deps;
  const { apiKeys, sessions } = identity;
  const guards = createGuards(apiKeys, sessions, config.rateLimitPerMin);
  const ignore = (): void => undefined; // the container's connection logs that Redis is away
  const subscriber = () => connectRedis(config.redisUrl, subscriberOptions, ignore);
  const streams = createStreams({ db, catalog, redis, subscriber, log, limits: streamLimits });
  const app = createApp({ ...deps, streams }, guards);
  const server = createHttpServer(app);
  const { hub, open, market } = streams;
  const sockets = { ...guards, app, log, streams: open };
  const stocks = marketHandler({ ...sockets, ...market, catalog }, 'us_equity');
  routeUpgrades(
    server,
    new Map([
      ['/stream', tradeUpdatesHandler({ ...sockets, hub })],
      ['/v2/iex', stocks],
      ['/v2/sip', stocks],
      ['/v1beta3/crypto/us', marketHandler({ ...sockets, ...market, catalog }, 'crypto')],
    ]),
  );
  identity.onRevoked((ids) => open.revoke(ids));
  streams.start();
  return { server, streams };
}
