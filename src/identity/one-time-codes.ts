import { hash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import type { Knex } from 'knex';
import { DomainError } from '../errors.js';
import { newId } from '../ids.js';
import type { Sealer } from './sealer.js';

/** What a code is good for; permanent strings, they are in rows. */
export type CodePurpose = 'verify_email' | 'reset_password' | 'change_email' | 'second_factor';

interface PurposeRule {
  readonly livesMs: number;
  /** The first one and those sent again. */
  readonly perHour: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The brief (UC-01): a code expires, and is sent again three times an hour at most. */
const RULES: Readonly<Record<CodePurpose, PurposeRule>> = {
  verify_email: { livesMs: 24 * HOUR_MS, perHour: 4 },
  reset_password: { livesMs: HOUR_MS, perHour: 4 },
  change_email: { livesMs: HOUR_MS, perHour: 4 },
  second_factor: { livesMs: 10 * MINUTE_MS, perHour: 10 },
};

/** Wrong codes that end one: six digits must not be guessed. */
const FAILURES_MAX = 5;
/** Nor by asking for ever new ones. The link of a mail works all the same. */
const FAILURES_PER_DAY = 15;
const DAY_MS = 24 * HOUR_MS;
const CODE_DIGITS = 6;

/** What its owner is sent. Both do the same, each once, and the use of one ends the other. */
export interface IssuedCode {
  /** Six digits, to type in. */
  readonly code: string;
  /** For a link: 43 characters. */
  readonly token: string;
  readonly expiresAt: Date;
}

export interface RedeemedCode {
  readonly clientId: string;
  /** What it was issued with. */
  readonly data: Readonly<Record<string, string>>;
}

const tokenHash = (token: string): Buffer => hash('sha256', token, 'buffer');

/** Codes by mail: nothing that is stored of them can be used. */
export class OneTimeCodes {
  constructor(private readonly sealer: Sealer) {}

  /**
   * Makes up a code; earlier ones for the same purpose end.
   * @param data kept with it, such as the address that it confirms
   * @throws DomainError 429 with `retry_after` when too many were asked for within an hour
   */
  async issue(
    trx: Knex.Transaction,
    clientId: string,
    purpose: CodePurpose,
    { now, data = {} }: { now: Date; data?: Record<string, string> },
  ): Promise<IssuedCode> {
    const { livesMs, perHour } = RULES[purpose];
    // One after the other for each client, or two at once would both be the third.
    await trx('clients').where({ id: clientId }).forNoKeyUpdate().select('id');
    const since = new Date(now.getTime() - HOUR_MS);
    const recent = await trx('one_time_codes')
      .where({ client_id: clientId, purpose })
      .where('created_at', '>', since)
      .orderBy('created_at')
      .select<{ created_at: Date }[]>('created_at');
    if (recent.length >= perHour) throw tooMany(recent.at(-perHour)!.created_at, now);
    await this.end(trx, clientId, purpose, now);
    const id = newId();
    const code = String(randomInt(10 ** CODE_DIGITS)).padStart(CODE_DIGITS, '0');
    const token = randomBytes(32).toString('base64url');
    const expiresAt = new Date(now.getTime() + livesMs);
    await trx('one_time_codes').insert({
      id,
      client_id: clientId,
      purpose,
      code_hash: this.codeHash(id, code),
      token_hash: tokenHash(token),
      data,
      created_at: now,
      expires_at: expiresAt,
    });
    return { code, token, expiresAt };
  }

  /** Ends every code of a purpose that has not been used. */
  async end(
    trx: Knex.Transaction,
    clientId: string,
    purpose: CodePurpose,
    now: Date,
  ): Promise<void> {
    await trx('one_time_codes')
      .where({ client_id: clientId, purpose })
      .whereNull('used_at')
      .update({ used_at: now });
  }

  /**
   * Uses a code that somebody typed in. A wrong one is counted: keep the transaction, then, and refuse
   * after it.
   * @returns null when there is none, it is wrong, has been used, has expired or failed too often;
   *   also when codes for this purpose failed 15 times within a day
   */
  async redeem(
    trx: Knex.Transaction,
    clientId: string,
    purpose: CodePurpose,
    { code, now }: { code: string; now: Date },
  ): Promise<RedeemedCode | null> {
    const row = await trx('one_time_codes')
      .where({ client_id: clientId, purpose })
      .whereNull('used_at')
      .where('expires_at', '>', now)
      .where('failures', '<', FAILURES_MAX)
      .forUpdate()
      .first<{ id: string; code_hash: Buffer; data: Record<string, string> } | undefined>(
        'id',
        'code_hash',
        'data',
      );
    if (!row || (await this.failuresOf(trx, clientId, purpose, now)) >= FAILURES_PER_DAY)
      return null;
    if (!timingSafeEqual(row.code_hash, this.codeHash(row.id, code))) {
      await trx('one_time_codes').where({ id: row.id }).increment('failures', 1);
      return null;
    }
    await trx('one_time_codes').where({ id: row.id }).update({ used_at: now });
    return { clientId, data: row.data };
  }

  private async failuresOf(
    trx: Knex.Transaction,
    clientId: string,
    purpose: CodePurpose,
    now: Date,
  ): Promise<number> {
    const { failures } = (await trx('one_time_codes')
      .where({ client_id: clientId, purpose })
      .where('created_at', '>', new Date(now.getTime() - DAY_MS))
      .sum({ failures: 'failures' })
      .first()) as { failures: bigint | null };
    return Number(failures ?? 0);
  }

  /** Whose token this is, without using it: to lock the client first. @returns null as redeemToken */
  async ownerOf(
    knex: Knex,
    purpose: CodePurpose,
    { token, now }: { token: string; now: Date },
  ): Promise<string | null> {
    const row = await knex('one_time_codes')
      .where({ token_hash: tokenHash(token), purpose })
      .whereNull('used_at')
      .where('expires_at', '>', now)
      .first<{ client_id: string } | undefined>('client_id');
    return row?.client_id ?? null;
  }

  /** Uses the token of a link. @returns null when it is unknown, has been used or has expired */
  async redeemToken(
    trx: Knex.Transaction,
    purpose: CodePurpose,
    { token, now }: { token: string; now: Date },
  ): Promise<RedeemedCode | null> {
    const [row] = await trx('one_time_codes')
      .where({ token_hash: tokenHash(token), purpose })
      .whereNull('used_at')
      .where('expires_at', '>', now)
      .update({ used_at: now })
      .returning<{ client_id: string; data: Record<string, string> }[]>(['client_id', 'data']);
    return row ? { clientId: row.client_id, data: row.data } : null;
  }

  /** Keyed, since six digits are few; with the row's id, so that equal codes have different hashes. */
  private codeHash(id: string, code: string): Buffer {
    return this.sealer.fingerprint(`code ${id} ${code}`);
  }
}

function tooMany(oldest: Date, now: Date): DomainError {
  const seconds = Math.ceil((oldest.getTime() + HOUR_MS - now.getTime()) / 1_000);
  return new DomainError('rate_limited', 42910000, 'Too many codes were asked for; try later', {
    retry_after: Math.max(1, seconds),
  });
}
