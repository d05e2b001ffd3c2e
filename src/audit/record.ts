import type { Knex } from 'knex';
import type { Context } from 'koa';
import { newId } from '../ids.js';
import type { Role } from '../identity/principal.js';
import type { AuditAction } from './actions.js';

/** Who acts, and from where. */
export interface Actor {
  readonly kind: 'person' | 'program' | 'anonymous' | 'system';
  /** Null for somebody who did not prove who they are, and for the house's own jobs. */
  readonly clientId: string | null;
  readonly role: Role | null;
  /** The session's or the API key's id, or the name of the job. */
  readonly credential: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly requestId: string | null;
}

/** What was done to whom or what. Members are what the API shows: decimals as text, no secrets. */
export interface Act {
  readonly action: AuditAction;
  readonly subject: Subject;
  /** What was before; null when there was nothing. */
  readonly before?: Readonly<Record<string, unknown>> | null;
  readonly after?: Readonly<Record<string, unknown>> | null;
  readonly reason?: string | null;
}

/** The ids of what an act is about; `client_id`, `account_id` and `symbol` can be searched for. */
export interface Subject {
  readonly client_id?: string | null;
  readonly account_id?: string | null;
  readonly symbol?: string | null;
  readonly [other: `${string}_id`]: string | null | undefined;
}

const USER_AGENT_MAX = 200;

/** The caller of a request, logged in or not. */
export function actorOf(ctx: Context): Actor {
  const principal = ctx.state.principal as Context['state']['principal'] | undefined;
  const kind = principal?.credential === 'key' ? 'program' : 'person';
  return {
    kind: principal ? kind : 'anonymous',
    clientId: principal?.clientId ?? null,
    role: principal?.role ?? null,
    credential: principal?.credentialId ?? null,
    ip: ctx.ip,
    userAgent: ctx.get('User-Agent').slice(0, USER_AGENT_MAX) || null,
    requestId: ctx.state.requestId,
  };
}

/** One of the house's own jobs, such as `end-of-day`. */
export const systemActor = (job: string): Actor => ({
  kind: 'system',
  clientId: null,
  role: null,
  credential: job,
  ip: null,
  userAgent: null,
  requestId: null,
});

/**
 * Writes an act into the audit log; in the transaction that does it, or there could be one without
 * the other. The database adds it to the hash chain when that transaction ends.
 * @param knex the transaction; a plain connection for what was refused and leaves nothing else
 */
export async function recordAct(knex: Knex, by: Actor, act: Act): Promise<void> {
  const id = newId();
  const entry = {
    id,
    occurred_at: new Date().toISOString(),
    action: act.action,
    actor: {
      kind: by.kind,
      client_id: by.clientId,
      role: by.role,
      credential: by.credential,
    },
    origin: { ip: by.ip, user_agent: by.userAgent, request_id: by.requestId },
    subject: act.subject,
    before: act.before ?? null,
    after: act.after ?? null,
    reason: act.reason ?? null,
  };
  await knex('audit_entries').insert({ id, content: JSON.stringify(entry, storable) });
}

const NUL_OR_HALF_CHARACTER = /\0|\p{Surrogate}/gu;

/** What Postgres cannot keep in JSON must not keep an act from being recorded. */
const storable = (_name: string, value: unknown): unknown =>
  typeof value === 'string' ? value.replace(NUL_OR_HALF_CHARACTER, '\uFFFD') : value;
