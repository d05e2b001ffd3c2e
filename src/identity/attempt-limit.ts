import type { Knex } from 'knex';
import { RateLimiterPostgres, type RateLimiterRes } from 'rate-limiter-flexible';
import { DomainError } from '../errors.js';

export interface AttemptRule {
  /** Names its counters among all others; permanent, they are in rows. */
  readonly name: string;
  readonly attempts: number;
  readonly seconds: number;
  /** What somebody is told who tried too often. */
  readonly refusal: string;
}

/**
 * Counts attempts at a secret in Postgres, so that neither a restart nor another process nor a Redis
 * that was emptied gives new ones. An attempt counts before it is checked: those that come at once
 * cannot pass together. Never a lock-out for good: the counter ends by itself.
 */
export class AttemptLimit {
  private readonly limiter: RateLimiterPostgres;

  constructor(
    knex: Knex,
    private readonly rule: AttemptRule,
  ) {
    this.limiter = new RateLimiterPostgres({
      storeClient: knex,
      storeType: 'knex',
      tableName: 'attempt_limits',
      tableCreated: true,
      clearExpiredByTimeout: false, // the maintenance job does it
      keyPrefix: rule.name,
      points: rule.attempts,
      duration: rule.seconds,
    });
  }

  /** @throws DomainError 429 with `retry_after` seconds */
  async count(key: string): Promise<void> {
    try {
      await this.limiter.consume(key);
    } catch (refused) {
      if (refused instanceof Error) throw refused;
      throw this.tooMany(refused as RateLimiterRes);
    }
  }

  /**
   * Makes sure that one more is allowed, without counting it.
   * @returns how many were counted
   * @throws DomainError 429 as `count` does
   */
  async requireOneLeft(key: string): Promise<number> {
    const used = await this.limiter.get(key);
    if (used && used.consumedPoints >= this.rule.attempts) throw this.tooMany(used);
    return used?.consumedPoints ?? 0;
  }

  /** Takes one attempt back: it was no guess. */
  async forgive(key: string): Promise<void> {
    await this.limiter.reward(key, 1);
  }

  async clear(key: string): Promise<void> {
    await this.limiter.delete(key);
  }

  private tooMany({ msBeforeNext }: RateLimiterRes): DomainError {
    return new DomainError('rate_limited', 42910000, this.rule.refusal, {
      retry_after: Math.max(1, Math.ceil(msBeforeNext / 1_000)),
    });
  }
}
