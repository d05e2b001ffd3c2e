import { isIPv6 } from 'node:net';
import type { Context } from 'koa';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { DomainError } from '../errors.js';
import type { Middleware } from './context.js';
import { httpRateLimited } from './http-metrics.js';

const WINDOW_SECONDS = 60;

export interface RateLimit {
  /** Counts a request against its API key, its session, or without either its address. */
  readonly limitRate: Middleware;
  /** Counts a request whose credentials were wrong against its address. */
  readonly countRefused: (ctx: Context) => Promise<void>;
}

const pass: RateLimit = {
  limitRate: (_ctx, next) => next(),
  countRefused: () => Promise.resolve(),
};

/**
 * Requests a minute, counted in this process.
 * @param perMinute how many a key, session or address may send; 0 turns the limit off
 */
export function createRateLimit(perMinute: number): RateLimit {
  if (perMinute === 0) return pass;
  const limiter = new RateLimiterMemory({ points: perMinute, duration: WINDOW_SECONDS });
  const policy = `"default";q=${perMinute};w=${WINDOW_SECONDS}`;
  const limit = String(perMinute);

  const consume = async (ctx: Context, by: 'key' | 'session' | 'ip', key: string) => {
    try {
      announce(ctx, policy, limit, await limiter.consume(key));
    } catch (refused) {
      if (refused instanceof Error) throw refused;
      announce(ctx, policy, limit, refused as RateLimiterRes);
      ctx.set('Retry-After', String(secondsLeft(refused as RateLimiterRes)));
      httpRateLimited.inc({ by });
      throw new DomainError('rate_limited', 42910000, `More than ${limit} requests in a minute`);
    }
  };

  return {
    limitRate: async (ctx, next) => {
      const principal = ctx.state.principal as Context['state']['principal'] | undefined;
      await (principal
        ? consume(ctx, principal.credential, principal.credentialId)
        : consume(ctx, 'ip', addressKey(ctx.ip)));
      return next();
    },
    countRefused: (ctx) => consume(ctx, 'ip', addressKey(ctx.ip)),
  };
}

const secondsLeft = (result: RateLimiterRes): number => Math.ceil(result.msBeforeNext / 1_000);

/** The fields of the IETF draft, and those that Alpaca's clients know (Reset is a Unix time). */
function announce(ctx: Context, policy: string, limit: string, result: RateLimiterRes): void {
  const { res } = ctx;
  const remaining = String(Math.max(result.remainingPoints, 0));
  const resetAt = Math.ceil((Date.now() + result.msBeforeNext) / 1_000);
  res.setHeader('RateLimit-Policy', policy);
  res.setHeader('RateLimit', `"default";r=${remaining};t=${secondsLeft(result)}`);
  res.setHeader('X-RateLimit-Limit', limit);
  res.setHeader('X-RateLimit-Remaining', remaining);
  res.setHeader('X-RateLimit-Reset', String(resetAt));
}

/** One household has a whole /64 of IPv6 addresses: they count as one. */
export const addressKey = (ip: string): string =>
  isIPv6(ip) && !ip.startsWith('::ffff:') ? ip.split(':').slice(0, 4).join(':') : ip;
