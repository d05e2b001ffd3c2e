import type { Knex } from 'knex';
import { DomainError, type ErrorKind } from '../errors.js';

/** A request that must take effect once. */
export interface KeyedRequest {
  /** Whose keys these are: the same key of somebody else is another key. */
  readonly scope: string;
  readonly key: string;
  /** SHA-256 of what was asked for. */
  readonly hash: Buffer;
}

/** An answer as it was sent, or will be. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, or null for none. */
  readonly body: string | null;
}

type Refusal = Pick<DomainError, 'kind' | 'code' | 'message' | 'details'>;

interface KeyRow {
  requestHash: Buffer;
  status: number | null;
  headers: Record<string, string> | null;
  body: string | null;
  refusal: Refusal | null;
}

/** What the first request came to, and whether it was this very request. */
export interface FirstOutcome {
  readonly sameRequest: boolean;
  readonly outcome: KeptAnswer | DomainError;
}

/** What may come out otherwise when it is tried again is not remembered. */
const NOT_FINAL: ReadonlySet<ErrorKind> = new Set(['rate_limited', 'unavailable']);

export const isFinal = (error: unknown): error is DomainError =>
  error instanceof DomainError && !NOT_FINAL.has(error.kind);

/**
 * Takes a key for this transaction; waits while another one has it and has not ended.
 * @returns false when it was taken by a request that has its answer
 * @throws an error of Postgres with code 55P03 when that takes longer than the lock timeout
 */
export async function takeKey(
  trx: Knex.Transaction,
  { scope, key, hash }: KeyedRequest,
): Promise<boolean> {
  const taken = await trx('request_keys')
    .insert({ scope, key, request_hash: hash })
    .onConflict(['scope', 'key'])
    .ignore()
    .returning('key');
  return taken.length > 0;
}

/** Keeps the outcome with its key; to be committed together with what the request has done. */
export async function keepOutcome(
  trx: Knex.Transaction,
  { scope, key }: KeyedRequest,
  outcome: KeptAnswer | DomainError,
): Promise<void> {
  await trx('request_keys').where({ scope, key }).update(columnsOf(outcome));
}

function columnsOf(outcome: KeptAnswer | DomainError): Record<string, unknown> {
  if (!(outcome instanceof DomainError)) return { ...outcome };
  const { kind, code, message, details } = outcome;
  return { refusal: { kind, code, message, details } };
}

/** What became of the first request with this key; undefined when there is none. */
export async function findOutcome(
  knex: Knex,
  { scope, key, hash }: KeyedRequest,
): Promise<FirstOutcome | undefined> {
  const row = await knex('request_keys').where({ scope, key }).first<KeyRow | undefined>({
    requestHash: 'request_hash',
    status: 'status',
    headers: 'headers',
    body: 'body',
    refusal: 'refusal',
  });
  if (!row) return undefined;
  return { sameRequest: row.requestHash.equals(hash), outcome: outcomeOf(row) };
}

function outcomeOf({ status, headers, body, refusal }: KeyRow): KeptAnswer | DomainError {
  if (refusal) {
    return new DomainError(refusal.kind, refusal.code, refusal.message, refusal.details, true);
  }
  return { status: status!, headers: headers ?? {}, body };
}
