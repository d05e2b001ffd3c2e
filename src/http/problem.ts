import { STATUS_CODES } from 'node:http';
import { explainOutage } from '../db.js';
import { DomainError, type ErrorKind, unavailable } from '../errors.js';

/** What each kind of refusal is on the wire. */
const STATUS_OF_KIND: Record<ErrorKind, number> = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  invalid: 422,
  rate_limited: 429,
  unavailable: 503,
};

const RETRY_AFTER_SECONDS = '1';

/** A refusal that only HTTP knows, such as a method that a path does not have. */
export class HttpRefusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code = codeOfStatus(status),
  ) {
    super(message);
    this.name = 'HttpRefusal';
  }
}

/** One answer to a failed request, before it is written. */
export interface Problem {
  readonly status: number;
  readonly code: number;
  readonly kind: string;
  readonly detail: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** 405 -> 40510000, in the manner of the codes that the wire contract names. */
export const codeOfStatus = (status: number): number => status * 100_000 + 10_000;

const OUTAGE_HEADERS = { 'Retry-After': RETRY_AFTER_SECONDS };
const CHALLENGE_HEADERS = { 'WWW-Authenticate': 'Bearer realm="BrokerX+"' };
const REPLAYED_HEADERS = { 'Idempotent-Replayed': 'true' };
const NO_HEADERS = {};

function headersOf(status: number, details: DomainError['details']): Record<string, string> {
  const { retry_after: seconds } = details;
  if (typeof seconds === 'number') return { 'Retry-After': String(seconds) };
  if (status === 503) return OUTAGE_HEADERS;
  return status === 401 ? CHALLENGE_HEADERS : NO_HEADERS;
}

/** Postgres gave up on a statement for want of time, space or a lock: nothing was done. */
const BUSY = /^(40001|40P01|55P03|57014|53100|53200|53400)$/;

const isBusy = (error: unknown): boolean =>
  error instanceof Error && BUSY.test(String((error as { code?: unknown }).code));

/**
 * What a caller is told about an error. Only refusals explain themselves; anything else is a bug of
 * ours and says nothing about it.
 */
export function toProblem(error: unknown): Problem {
  const explained = isBusy(error)
    ? unavailable('The database is too busy. Nothing was done; try again.')
    : explainOutage(error);
  if (explained instanceof DomainError) {
    const status = STATUS_OF_KIND[explained.kind];
    return {
      status,
      code: explained.code,
      kind: explained.kind,
      detail: explained.message,
      details: explained.details,
      headers: explained.replayed ? REPLAYED_HEADERS : headersOf(status, explained.details),
    };
  }
  const status = refusedStatus(explained);
  return {
    status,
    code: explained instanceof HttpRefusal ? explained.code : codeOfStatus(status),
    kind: status === 500 ? 'internal' : titleOf(status).toLowerCase().replaceAll(' ', '_'),
    detail: status === 500 ? 'Something went wrong on our side.' : (explained as Error).message,
    details: {},
    headers: headersOf(status, {}),
  };
}

/** The 4xx or 501 that HTTP's own libraries throw with an error, or 500. */
function refusedStatus(error: unknown): number {
  if (error instanceof HttpRefusal) return error.status;
  const { status, expose } = (error ?? {}) as { status?: unknown; expose?: unknown };
  return typeof status === 'number' && expose === true ? status : 500;
}

const titleOf = (status: number): string => STATUS_CODES[status] ?? 'Error';

/** The body of RFC 9457 with the members that Alpaca's SDKs read (`code`, `message`). */
export const problemBody = (
  problem: Problem,
  instance: string,
  requestId: string,
): Record<string, unknown> => ({
  ...problem.details,
  type: `urn:brokerx:problem:${problem.kind}`,
  title: titleOf(problem.status),
  status: problem.status,
  detail: problem.detail,
  instance,
  code: problem.code,
  message: problem.detail,
  request_id: requestId,
});

export const PROBLEM_TYPE = 'application/problem+json';
