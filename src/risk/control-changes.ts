import type { Knex } from 'knex';
import type { Context } from 'koa';

/** Kinds of changes; permanent strings, they are in the records. */
export const CONTROL_ACTIONS = [
  'limits.set',
  'limits.delete',
  'halt.set',
  'halt.lift',
  'kill_switch.set',
  'kill_switch.lift',
  'restriction.set',
  'restriction.lift',
] as const;
export type ControlAction = (typeof CONTROL_ACTIONS)[number];

/** Who changes a control, and why. */
export interface Author {
  readonly actorId: string;
  readonly reason: string;
  readonly requestId: string;
  readonly ip: string;
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

export const authorOf = (ctx: Context, reason: string): Author => ({
  actorId: ctx.state.principal.clientId,
  reason,
  requestId: ctx.state.requestId,
  ip: ctx.ip,
});

/** Records a change; in the transaction that makes it, or there could be one without the other. */
export async function recordChange(
  trx: Knex.Transaction,
  { actorId, reason, requestId, ip }: Author,
  { action, target, before, after }: ControlChange,
): Promise<void> {
  await trx('control_changes').insert({
    actor_id: actorId,
    action,
    target,
    before,
    after,
    reason,
    request_id: requestId,
    ip,
    occurred_at: new Date(),
  });
}

export interface ChangeFilter {
  readonly actor_id?: string;
  readonly action?: ControlAction;
  readonly account_id?: string;
  readonly symbol?: string;
  readonly after?: Date;
  readonly until?: Date;
  /** Only older ones than this id. */
  readonly page_token?: string;
  readonly limit: number;
}

interface ChangeRow extends ControlChange {
  readonly id: bigint;
  readonly actor_id: string;
  readonly reason: string | null;
  readonly request_id: string | null;
  readonly ip: string | null;
  readonly occurred_at: Date;
}

/** A page of the changes, newest first. */
export async function listChanges(knex: Knex, filter: ChangeFilter): Promise<ChangeRow[]> {
  const query = knex('control_changes').orderBy('id', 'desc').limit(filter.limit);
  if (filter.actor_id) void query.where('actor_id', filter.actor_id);
  if (filter.action) void query.where('action', filter.action);
  if (filter.account_id) void query.whereRaw(`target ->> 'account_id' = ?`, [filter.account_id]);
  if (filter.symbol) void query.whereRaw(`target ->> 'symbol' = ?`, [filter.symbol]);
  if (filter.after) void query.where('occurred_at', '>', filter.after);
  if (filter.until) void query.where('occurred_at', '<', filter.until);
  if (filter.page_token) void query.where('id', '<', filter.page_token);
  return (await query) as ChangeRow[];
}

export const presentChange = (row: ChangeRow): Record<string, unknown> => ({
  id: row.id.toString(),
  actor_id: row.actor_id,
  action: row.action,
  target: row.target,
  before: row.before,
  after: row.after,
  reason: row.reason,
  request_id: row.request_id,
  ip: row.ip,
  occurred_at: row.occurred_at.toISOString(),
});
