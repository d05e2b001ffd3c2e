import type { Knex } from 'knex';
import { addressKey } from '../http/rate-limit.js';
import { AttemptLimit } from './attempt-limit.js';

const SECONDS = 15 * 60;
const REFUSAL = 'Too many failed logins; try again later';

/** How often a password may be wrong. An attempt counts before it is checked, a success clears it. */
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
    await this.near.count(pair(email, ip));
    await this.far.count(email);
  }

  async clear(email: string, ip: string): Promise<void> {
    await Promise.all([this.near.clear(pair(email, ip)), this.far.clear(email)]);
  }
}

const pair = (email: string, ip: string): string => `${addressKey(ip)} ${email}`;
