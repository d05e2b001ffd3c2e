import type { Knex } from 'knex';
import type { Context } from 'koa';
import { actorOf, type Actor } from '../audit/record.js';
import type { DomainError } from '../errors.js';
import type { Middleware } from '../http/context.js';
import type { Guards } from '../http/guards.js';
import { replayable } from '../http/idempotency.js';
import { requireSession } from '../http/require-role.js';
import type { CodeMailDeps } from './code-mails.js';

/** What the routes about clients are made of. */
export interface ClientRoutesDeps extends Guards, CodeMailDeps {
  readonly knex: Knex;
  /** Told that there are mails to send. Must neither wait nor throw. */
  readonly nudgeNotifications: () => void;
}

/** Does the work of one request and sets the answer; may return a refusal that keeps its writes. */
export type ClientWork = (
  ctx: Context,
  trx: Knex.Transaction,
  by: Actor,
) => Promise<DomainError | undefined>;

/** One transaction; its mails leave after it. These requests hold secrets: their hashes are keyed. */
export const writing = (
  { knex, sealer, nudgeNotifications }: ClientRoutesDeps,
  work: ClientWork,
): Middleware =>
  replayable(
    knex,
    (ctx, trx, afterCommit) => {
      afterCommit(nudgeNotifications);
      return work(ctx, trx, actorOf(ctx));
    },
    (text) => sealer.fingerprint(text),
  );

/** What stands before a route for people who logged in, clients that are not active yet among them. */
export const personOnly = ({ authenticated, limitRate }: Guards): Middleware[] => [
  authenticated,
  limitRate,
  requireSession,
];
