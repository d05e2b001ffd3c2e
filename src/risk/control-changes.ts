import type { Knex } from 'knex';
import type { Context } from 'koa';
import type { AuditAction } from '../audit/actions.js';
import { listEntries, type AuditEntry, type AuditFilter } from '../audit/entries.js';
import { actorOf, recordAct, type Actor } from '../audit/record.js';

/** The acts of the audit log that change a control. */
export const CONTROL_ACTIONS = [
  'limits.set',
  'limits.delete',
  'halt.set',
  'halt.lift',
  'kill_switch.set',
  'kill_switch.lift',
  'restriction.set',
  'restriction.lift',
  'price_band.set',
] as const satisfies readonly AuditAction[];
export type ControlAction = (typeof CONTROL_ACTIONS)[number];

/** Who changes a control, and why. */
export interface Author {
  readonly by: Actor;
  readonly reason: string;
  /** What a second person approved, where it takes two. */
  readonly approvalId?: string;
}

/** What a control is about: an account, an asset, or neither for the house or everybody. */
export interface ControlTarget {
  readonly account_id: string | null;
  readonly asset_id: string | null;
  readonly symbol: string | null;
}

export interface ControlChange {
  readonly action: ControlAction;
  readonly target: ControlTarget;
  /** As the API shows it; null when there was nothing. */
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

export const authorOf = (ctx: Context, reason: string): Author => ({ by: actorOf(ctx), reason });

/** Records a change; in the transaction that makes it, or there could be one without the other. */
export async function recordChange(
  trx: Knex.Transaction,
  { by, reason, approvalId }: Author,
  { action, target, before, after }: ControlChange,
): Promise<void> {
  const client_id = await clientOf(trx, target.account_id);
  const approval = approvalId === undefined ? {} : { approval_id: approvalId };
  const subject = { ...target, client_id, ...approval };
  await recordAct(trx, by, { action, subject, before, after, reason });
}

async function clientOf(knex: Knex, accountId: string | null): Promise<string | null> {
  if (accountId === null) return null;
  const account = await knex('accounts')
    .where({ id: accountId })
    .first<{ client_id: string | null } | undefined>('client_id');
  return account?.client_id ?? null;
}

export type ChangeFilter = Omit<AuditFilter, 'actions' | 'client_id'> & { action?: ControlAction };

/** A page of the changes, newest first. */
export const listChanges = (
  knex: Knex,
  { action, ...filter }: ChangeFilter,
): Promise<AuditEntry[]> =>
  listEntries(knex, { ...filter, actions: action ? [action] : CONTROL_ACTIONS });

export const presentChange = ({ id, actor, origin, subject, ...entry }: AuditEntry) => ({
  id,
  actor_id: actor.client_id,
  action: entry.action,
  target: {
    account_id: subject['account_id'],
    asset_id: subject['asset_id'],
    symbol: subject['symbol'],
  },
  before: entry.before,
  after: entry.after,
  reason: entry.reason,
  request_id: origin.request_id,
  ip: origin.ip,
  occurred_at: entry.occurred_at,
});
