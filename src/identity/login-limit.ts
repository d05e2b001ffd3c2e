import type { Knex } from 'knex';
import { addressKey } from '../http/rate-limit.js';
import { AttemptLimit } from './attempt-limit.js';
import type { CheckTurn } from './passwords.js';

const SECONDS = 15 * 60;
const REFUSAL = 'Too many failed logins; try again later';

/**
 * How often a password may be wrong. Failures are counted, within the turn that a check has in its
 * process: what is right costs no commit, and guesses that come at once get one check too many for each
 * further API process at most.
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

  /** What a check of a password has to do; it is refused with a DomainError 429 and `retry_after`. */
  turn(email: string, ip: string): CheckTurn {
    const place = `${addressKey(ip)} ${email}`;
    let failures = 0;
    return {
      before: async () => {
        [failures] = await Promise.all([
          this.near.requireOneLeft(place),
          this.far.requireOneLeft(email),
        ]);
      },
      whenWrong: async () => {
        await Promise.all([this.near.count(place), this.far.count(email)]);
      },
      whenRight: async () => {
        if (failures > 0) await this.near.clear(place);
      },
    };
  }
}
