import type { ApiKeys } from '../identity/api-keys.js';
import type { Sessions } from '../identity/sessions.js';
import { authenticate } from './authenticate.js';
import type { Cached } from './cache.js';
import type { Middleware } from './context.js';
import { createRateLimit } from './rate-limit.js';

/** What stands before a route; a route's list of middleware reads as a sentence. */
export interface Guards {
  /** Lets a caller with valid credentials pass. */
  readonly authenticated: Middleware;
  /** Lets a caller pass who has not sent too much in the last minute. */
  readonly limitRate: Middleware;
  /** Answers from the cache; behind the guards of a route. */
  readonly cached: Cached;
}

export interface GuardsDeps {
  readonly apiKeys: ApiKeys;
  readonly sessions: Sessions;
  /** Requests a minute and credential or address; 0 is no limit. */
  readonly rateLimitPerMin: number;
  readonly cached: Cached;
}

export function createGuards({ apiKeys, sessions, rateLimitPerMin, cached }: GuardsDeps): Guards {
  const rateLimit = createRateLimit(rateLimitPerMin);
  return {
    authenticated: authenticate({ apiKeys, sessions, rateLimit }),
    limitRate: rateLimit.limitRate,
    cached,
  };
}
