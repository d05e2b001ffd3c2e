/**
 * What went wrong, in the caller's terms. One table in `http/error-handler.ts` turns a kind into a
 * status; everything that is not a `DomainError` is a bug and answers 500.
 */
export type ErrorKind =
  | 'malformed' // 400: not readable as a request at all
  | 'unauthenticated' // 401
  | 'forbidden' // 403: understood, and refused (buying power, role, ...)
  | 'not_found' // 404: missing, or another client's
  | 'conflict' // 409
  | 'too_large' // 413
  | 'invalid' // 422: readable, but breaks a rule
  | 'rate_limited' // 429
  | 'unavailable'; // 503: a dependency is away; try again

/** A refusal that the caller can understand and act on. */
export class DomainError extends Error {
  /**
   * @param kind    decides the HTTP status
   * @param code    the eight-digit code of the wire contract, such as 40310000
   * @param message a sentence that says what, where and what is allowed
   * @param details extra members of the answer, such as `{ buying_power: "12.5" }`
   * @param replayed true when an Idempotency-Key repeats an earlier refusal
   */
  constructor(
    readonly kind: ErrorKind,
    readonly code: number,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    readonly replayed = false,
  ) {
    super(message);
    this.name = 'DomainError';
  }
}

/** 422 42210000: a field breaks a rule. */
export const invalid = (message: string, details: Record<string, unknown> = {}): DomainError =>
  new DomainError('invalid', 42210000, message, details);

/** 404 40410000: there is no such thing, or it is not the caller's. */
export const notFound = (what: string): DomainError =>
  new DomainError('not_found', 40410000, `${what} not found`);

/** 401 40110000. */
export const unauthenticated = (message: string): DomainError =>
  new DomainError('unauthenticated', 40110000, message);

/** 403 40310000. */
export const forbidden = (message: string, details: Record<string, unknown> = {}): DomainError =>
  new DomainError('forbidden', 40310000, message, details);

/** 503 50310000: a dependency is away. Nothing was done unless the message says otherwise. */
export const unavailable = (message: string): DomainError =>
  new DomainError('unavailable', 50310000, message);
