import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import Joi from 'joi';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { DomainError, invalid } from '../errors.js';
import type { Middleware } from './context.js';
import {
  findOutcome,
  isFinal,
  keepOutcome,
  takeKey,
  type FirstOutcome,
  type KeptAnswer,
  type KeyedRequest,
} from './request-keys.js';

/** Registers what has to follow the commit, such as a nudge; not called for a replay. */
export type AfterCommit = (effect: () => unknown) => void;

/**
 * Does a request's work. All its writes go through `trx`, and `ctx` gets status and body (JSON); it
 * may run again when Postgres makes the transaction give way. A refusal that is thrown takes its
 * writes back; one that is returned keeps them (that a code was wrong is counted).
 */
export type ReplayableHandler = (
  ctx: Context,
  trx: Knex.Transaction,
  afterCommit: AfterCommit,
) => Promise<void> | Promise<DomainError | undefined>;

/** Hashes what was asked for. */
export type RequestHash = (text: string) => Buffer;

const sha256: RequestHash = (text) => createHash('sha256').update(text).digest();

const KEY_MAX = 255;
/** Copies wait so long for the first; in the database, the connection's lock timeout is as long. */
const WAIT_MS = 5_000;
const ATTEMPTS_MAX = 5;
const GAVE_WAY = new Set(['40001', '40P01']);
const LOCK_TIMEOUT = '55P03';
/** Headers that belong to an answer and not to the request that it was sent for. */
const KEPT_HEADERS = ['ETag', 'Location'];

export const idempotencyHeaders = Joi.object({
  'Idempotency-Key': Joi.string()
    .max(KEY_MAX)
    .description(
      'Sent again with the same request, the first answer is replayed for 24 h or more, ' +
        'with `Idempotent-Replayed: true`; with another request the key is refused (422)',
    ),
});

/**
 * Makes a POST safe to repeat. One transaction holds the `Idempotency-Key`, all writes of the handler
 * and the answer: a process that dies before the commit leaves nothing, one that dies after it has
 * its answer replayed. A refusal is remembered too, without the handler's writes; what may come out
 * otherwise next time (429, 503, bugs) is not. Without a key it is a transaction and no more.
 *
 * Never for an answer that holds a secret (a session, an API key): it would be stored.
 * @param hashRequest a keyed hash for requests with a password in them, or a copy of the database
 *   would let it be guessed faster than its own hash does
 * @throws DomainError 422 for a key that is empty, too long or was used for another request; 409
 *   while the first request with the key is still under way after 5 s
 */
export function replayable(
  knex: Knex,
  handler: ReplayableHandler,
  hashRequest: RequestHash = sha256,
): Middleware {
  const underWay = new Map<string, Promise<unknown>>();

  const firstAnswer = async (ctx: Context, request: KeyedRequest): Promise<void> => {
    const id = `${request.scope} ${request.key}`;
    const until = performance.now() + WAIT_MS;
    // Copies in this process wait here rather than each with a connection of the pool.
    for (let first = underWay.get(id); first; first = underWay.get(id)) {
      if (!(await endsBefore(first, until))) throw inFlight();
      const earlier = await findOutcome(knex, request);
      if (earlier) return replay(ctx, earlier);
    }
    const work = doOnce(knex, handler, ctx, request);
    underWay.set(id, work);
    try {
      await work;
    } finally {
      underWay.delete(id);
    }
  };

  return async (ctx) => {
    const key = idempotencyKey(ctx);
    if (key === null) await doUnkeyed(knex, handler, ctx);
    else await firstAnswer(ctx, keyedRequest(ctx, key, hashRequest));
  };
}

/**
 * The request's Idempotency-Key, or null.
 * @throws DomainError 422 for a key that is empty or too long
 */
export function idempotencyKey(ctx: Context): string | null {
  const key = ctx.req.headers['idempotency-key'];
  if (typeof key !== 'string') return null;
  if (key.length < 1 || key.length > KEY_MAX) {
    throw invalid(`Idempotency-Key must have 1 to ${KEY_MAX} characters; it has ${key.length}`);
  }
  return key;
}

/** Keys are a client's own. Somebody without credentials shares them with nobody but themselves. */
function keyedRequest(ctx: Context, key: string, hashRequest: RequestHash): KeyedRequest {
  const body = (ctx.request.rawBody as Buffer | undefined)?.toString() ?? '';
  const hash = hashRequest(`${ctx.method} ${ctx.url}\n${body}`);
  const principal = ctx.state.principal as Context['state']['principal'] | undefined;
  return { scope: principal?.clientId ?? `public ${hash.toString('hex')}`, key, hash };
}

async function doUnkeyed(knex: Knex, handler: ReplayableHandler, ctx: Context): Promise<void> {
  const { refusal, effects } = await inTransaction(knex, async (trx) => {
    const collected: (() => unknown)[] = [];
    const returned = await handler(ctx, trx, (effect) => collected.push(effect));
    return { refusal: returned, effects: collected };
  });
  for (const effect of effects) await effect();
  if (refusal) throw refusal;
}

async function doOnce(
  knex: Knex,
  handler: ReplayableHandler,
  ctx: Context,
  request: KeyedRequest,
): Promise<void> {
  const { earlier, refusal, effects } = await inTransaction(knex, async (trx) => {
    if (!(await takeKey(trx, request).catch(explainWait))) {
      const found = await findOutcome(trx, request);
      if (!found) throw inFlight(); // it was purged at this very moment
      return { earlier: found, refusal: null, effects: [] };
    }
    return { earlier: null, ...(await workAndKeep(trx, handler, ctx, request)) };
  });
  if (earlier) {
    replay(ctx, earlier);
    return;
  }
  for (const effect of effects) await effect();
  if (refusal) throw refusal;
}

/** In a savepoint: a refusal that is thrown takes back what the handler wrote, and is kept itself. */
async function workAndKeep(
  trx: Knex.Transaction,
  handler: ReplayableHandler,
  ctx: Context,
  request: KeyedRequest,
): Promise<{ refusal: DomainError | null; effects: (() => unknown)[] }> {
  const effects: (() => unknown)[] = [];
  let refusal: DomainError | null;
  try {
    refusal = await trx.transaction(
      async (savepoint) =>
        (await handler(ctx, savepoint, (effect) => effects.push(effect))) ?? null,
    );
  } catch (error) {
    if (!isFinal(error)) throw error;
    await keepOutcome(trx, request, error);
    return { refusal: error, effects: [] };
  }
  await keepOutcome(trx, request, refusal ?? answerOf(ctx));
  return { refusal, effects };
}

/** Deadlocks and the like are not the client's business. */
async function inTransaction<T>(
  knex: Knex,
  work: (trx: Knex.Transaction) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await knex.transaction(work);
    } catch (error) {
      if (!GAVE_WAY.has(codeOf(error)) || attempt >= ATTEMPTS_MAX) throw error;
      await sleep(Math.random() * 10 * attempt);
    }
  }
}

function answerOf(ctx: Context): KeptAnswer {
  const body = ctx.body;
  const text = body === null || body === undefined ? null : JSON.stringify(body);
  const headers: Record<string, string> = {};
  for (const name of KEPT_HEADERS) {
    const value = ctx.response.get(name);
    if (value !== '') headers[name] = value;
  }
  return { status: ctx.status, headers, body: text };
}

function replay(ctx: Context, { sameRequest, outcome }: FirstOutcome): void {
  if (!sameRequest) {
    throw invalid('This Idempotency-Key was used with another request; use a new key');
  }
  if (outcome instanceof DomainError) throw outcome;
  ctx.set('Idempotent-Replayed', 'true');
  ctx.set(outcome.headers);
  ctx.body = outcome.body;
  if (outcome.body !== null) ctx.type = 'application/json';
  ctx.status = outcome.status; // after the body, which changes it when there is none
}

const inFlight = (): DomainError =>
  new DomainError(
    'conflict',
    40910000,
    'The first request with this Idempotency-Key is still under way; ask again in a moment',
    { retry_after: 1 },
  );

function explainWait(error: unknown): never {
  throw codeOf(error) === LOCK_TIMEOUT ? inFlight() : error;
}

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code);

/** Whether the work ended in time; how it ended is its own request's business. */
async function endsBefore(work: Promise<unknown>, until: number): Promise<boolean> {
  const timer = new AbortController();
  const ended = work.then(
    () => true,
    () => true,
  );
  const late = sleep(Math.max(0, until - performance.now()), false, { signal: timer.signal });
  const inTime = await Promise.race([ended, late.catch(() => false)]);
  timer.abort();
  return inTime;
}
