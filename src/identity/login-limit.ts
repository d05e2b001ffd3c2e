import type { Knex } from 'knex';
import { addressKey } from '../http/rate-limit.js';
import { AttemptLimit } from './attempt-limit.js';

const SECONDS = 15 * 60;
const REFUSAL = 'Too many failed logins; try again later';

/**
 * How often a password may be wrong: from one address an attempt counts before it is checked, and a
 * success clears it. Failures from all addresses together are counted afterwards, which saves every
 * right login a commit; of guesses that come at once, a few more than the limit may pass.
 */
export class LoginLimit {
  private readonly near: AttemptLimit;
  /** Many addresses guessing at one account. */
  private readonly far: AttemptLimit;

  constructor(knex: Knex) {
    const rule = { seconds: SECONDS, refusal: REFUSAL };
    this.near = new AttemptLimit(knex, { ...rule, name: 'login-from', attempts: 10 });
    this.far = new AttemptLimit(knex, { ...rule, name: 'login', attempts: 100 });
  }

  /** @throws DomainError 429 with `retry_after` seconds */
  async countAttempt(email: string, ip: string): Promise<void> {
    await Promise.all([this.near.count(pair(email, ip)), this.far.requireOneLeft(email)]);
  }

  /** @throws DomainError 429 when this failure was one too many */
  async countFailure(email: string): Promise<void> {
    await this.far.count(email);
  }

  async countSuccess(email: string, ip: string): Promise<void> {
    await this.near.clear(pair(email, ip));
  }
}

const pair = (email: string, ip: string): string => `${addressKey(ip)} ${email}`;
