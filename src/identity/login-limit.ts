import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { DomainError } from '../errors.js';
import { addressKey } from '../http/rate-limit.js';

const WINDOW_SECONDS = 15 * 60;
const PER_ACCOUNT_AND_ADDRESS = 10;
/** Many addresses guessing at one account; never a lock-out for good. */
const PER_ACCOUNT = 100;

/** How often a password may be wrong. An attempt counts before it is checked, a success clears it. */
export class LoginLimit {
  private readonly near = new RateLimiterMemory({
    points: PER_ACCOUNT_AND_ADDRESS,
    duration: WINDOW_SECONDS,
  });
  private readonly far = new RateLimiterMemory({ points: PER_ACCOUNT, duration: WINDOW_SECONDS });

  /** @throws DomainError 429 with `retry_after` seconds */
  async countAttempt(email: string, ip: string): Promise<void> {
    try {
      await this.near.consume(pair(email, ip));
      await this.far.consume(email);
    } catch (refused) {
      if (refused instanceof Error) throw refused;
      const seconds = Math.ceil((refused as RateLimiterRes).msBeforeNext / 1_000);
      throw new DomainError('rate_limited', 42910000, 'Too many failed logins; try again later', {
        retry_after: seconds,
      });
    }
  }

  async clear(email: string, ip: string): Promise<void> {
    await Promise.all([this.near.delete(pair(email, ip)), this.far.delete(email)]);
  }
}

const pair = (email: string, ip: string): string => `${addressKey(ip)} ${email}`;
