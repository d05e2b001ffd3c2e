import type { ApiKeys } from '../identity/api-keys.js';
import type { Sessions } from '../identity/sessions.js';
import { authenticate } from './authenticate.js';
import type { Middleware } from './context.js';
import { createRateLimit } from './rate-limit.js';

/** What stands before a route; a route's list of middleware reads as a sentence. */
export interface Guards {
  /** Lets a caller with valid credentials pass. */
  readonly authenticated: Middleware;
  /** Lets a caller pass who has not sent too much in the last minute. */
  readonly limitRate: Middleware;
}

/** @param perMinute requests a minute and credential or address; 0 is no limit */
export function createGuards(apiKeys: ApiKeys, sessions: Sessions, perMinute: number): Guards {
  const rateLimit = createRateLimit(perMinute);
  return {
    authenticated: authenticate({ apiKeys, sessions, rateLimit }),
    limitRate: rateLimit.limitRate,
  };
}
