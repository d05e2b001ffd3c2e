import type { Redis } from 'ioredis';
import type { AssetCatalog } from '../assets/catalog.js';
import type { Database } from '../db.js';
import type { Logger } from '../log.js';
import { MESSAGE_LOG } from '../notifications/message-log.js';
import { EventHub, type HubLimits } from './event-hub.js';
import { createMarketStreams, type MarketLimits, type MarketStreams } from './market-streams.js';
import { OpenStreams, STREAM_LIMITS, type StreamLimits } from './open-streams.js';

export interface StreamsDeps {
  readonly db: Pick<Database, 'run'>;
  readonly catalog: AssetCatalog;
  /** For everything but subscribing. */
  readonly redis: Redis;
  /** Makes a connection for subscribing, of the streams' own: they close it. */
  readonly subscriber: () => Redis;
  readonly log: Logger;
  readonly limits?: Partial<HubLimits & StreamLimits & MarketLimits> | undefined;
}

/** The live streams of one API process, of every kind. */
export interface Streams {
  readonly hub: EventHub;
  /** Follows clients' messages. */
  readonly messages: EventHub;
  readonly open: OpenStreams;
  readonly market: MarketStreams;
  start(): void;
  /** Ends every stream, and lets none in any more. */
  stop(): void;
}

export function createStreams(deps: StreamsDeps): Streams {
  const { db, catalog, redis, subscriber, log, limits = {} } = deps;
  const hub = new EventHub({ db, redis: subscriber(), log, limits });
  const messages = new EventHub({ db, redis: subscriber(), log, limits, follows: MESSAGE_LOG });
  const open = new OpenStreams({ ...STREAM_LIMITS, ...limits });
  const market = createMarketStreams({ db, catalog, redis, subscriber: subscriber(), log }, limits);
  return {
    hub,
    messages,
    open,
    market,
    start() {
      hub.start();
      messages.start();
      market.hub.start();
    },
    stop() {
      open.stop();
      hub.stop();
      messages.stop();
      market.hub.stop();
    },
  };
}
