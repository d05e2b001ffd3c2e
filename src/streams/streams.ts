import type { Redis } from 'ioredis';
import type { Database } from '../db.js';
import type { Logger } from '../log.js';
import { EventHub, type HubLimits } from './event-hub.js';
import { OpenStreams, STREAM_LIMITS, type StreamLimits } from './open-streams.js';

export interface StreamsDeps {
  readonly db: Pick<Database, 'run'>;
  /** A connection for subscribing, of the streams' own: they close it. */
  readonly redis: Redis;
  readonly log: Logger;
  readonly limits?: Partial<HubLimits & StreamLimits> | undefined;
}

/** The live streams of one API process, of every kind. */
export interface Streams {
  readonly hub: EventHub;
  readonly open: OpenStreams;
  start(): void;
  /** Ends every stream, and lets none in any more. */
  stop(): void;
}

export function createStreams({ db, redis, log, limits = {} }: StreamsDeps): Streams {
  const hub = new EventHub({ db, redis, log, limits });
  const open = new OpenStreams({ ...STREAM_LIMITS, ...limits });
  return {
    hub,
    open,
    start: () => hub.start(),
    stop() {
      open.stop();
      hub.stop();
    },
  };
}
