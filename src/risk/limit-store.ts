import type { Knex } from 'knex';
import type { LimitValues } from '../domain/limit-changes.js';
import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import { DomainError, invalid } from '../errors.js';
import { newId } from '../ids.js';
import { recordChange, type Author, type ControlTarget } from './control-changes.js';
import { ADVISORY_LOCKS } from '../advisory-locks.js';

/** The limits of an account, of an asset or (neither) of the house. */
export interface LimitsRow extends LimitValues {
  readonly id: string;
  readonly account_id: string | null;
  readonly asset_id: string | null;
  readonly symbol: string | null;
  readonly version: number;
  readonly updated_by: string | null;
  readonly updated_at: Date;
}

/** The version of limits that are not there. */
export const NO_ROW = 0;

/** Every process reads all of them, so there is an end to them. */
const ROWS_MAX = 10_000;

const rows = (knex: Knex) =>
  knex('risk_limits')
    .leftJoin('assets', 'assets.id', 'risk_limits.asset_id')
    .select<LimitsRow[]>('risk_limits.*', 'assets.symbol');

export interface LimitsFilter {
  readonly scope?: 'house' | 'account' | 'asset';
  readonly account_id?: string;
  readonly asset_id?: string;
  /** Only those after this id. */
  readonly page_token?: string;
  readonly limit: number;
}

/** A page of the limits, the oldest first. */
export async function listLimits(knex: Knex, filter: LimitsFilter): Promise<LimitsRow[]> {
  const query = rows(knex).orderBy('risk_limits.id').limit(filter.limit);
  if (filter.scope === 'account') void query.whereNotNull('account_id');
  if (filter.scope === 'asset') void query.whereNotNull('asset_id');
  if (filter.scope === 'house') void query.whereNull('account_id').whereNull('asset_id');
  if (filter.account_id) void query.where({ account_id: filter.account_id });
  if (filter.asset_id) void query.where({ asset_id: filter.asset_id });
  if (filter.page_token) void query.where('risk_limits.id', '>', filter.page_token);
  return await query;
}

export const findLimits = async (knex: Knex, id: string): Promise<LimitsRow | undefined> =>
  (await rows(knex).where('risk_limits.id', id))[0];

/**
 * Changes of limits wait for each other: whether one loosens anything depends on the house's row, too,
 * and on rows that are not there yet and cannot be locked.
 */
export const lockAllLimits = async (trx: Knex.Transaction): Promise<void> => {
  await trx.raw('select pg_advisory_xact_lock(?)', [ADVISORY_LOCKS.limits]);
};

/** Nobody else changes the row until this transaction has ended. */
export const lockLimits = async (
  trx: Knex.Transaction,
  where: Record<string, string | null>,
): Promise<LimitsRow | undefined> => (await rows(trx).where(where).forUpdate('risk_limits'))[0];

/**
 * Makes the limits what `values` says, whether there were some or not, and records it. What is that
 * already stays as it is.
 * @param version only when this is the version in force; null for any, `NO_ROW` for none
 * @throws DomainError 409 when it is another, 422 when there are too many rows
 */
export async function setLimits(
  trx: Knex.Transaction,
  target: ControlTarget,
  values: LimitValues,
  version: number | null,
  author: Author,
): Promise<LimitsRow> {
  const { account_id, asset_id } = target;
  const before = await lockLimits(trx, { account_id, asset_id });
  requireVersion(before, version);
  if (before && isSame(before, values)) return before;
  const row = before
    ? await update(trx, before, values, author)
    : await insert(trx, target, values, author);
  if (!row) return setLimits(trx, target, values, version, author); // another one was faster
  const after: LimitsRow = { ...row, symbol: target.symbol };
  await record(trx, author, before, after);
  return after;
}

/**
 * Deletes limits, and records it.
 * @returns false when there are none with this id
 * @throws DomainError 409 when the version is another
 */
export async function deleteLimits(
  trx: Knex.Transaction,
  id: string,
  version: number | null,
  author: Author,
): Promise<boolean> {
  const before = await lockLimits(trx, { 'risk_limits.id': id });
  if (!before) return false;
  requireVersion(before, version);
  await trx('risk_limits').where({ id }).delete();
  await record(trx, author, before, undefined);
  return true;
}

async function insert(
  trx: Knex.Transaction,
  { account_id, asset_id }: ControlTarget,
  values: LimitValues,
  { by }: Author,
): Promise<LimitsRow | undefined> {
  const counted = await trx('risk_limits').count('* as rows').first<{ rows: bigint }>();
  if (counted.rows >= ROWS_MAX)
    throw invalid(`There are ${ROWS_MAX} limits already; delete some first`);
  const [row] = await trx('risk_limits')
    .insert({
      id: newId(),
      account_id,
      asset_id,
      ...columns(values),
      updated_by: by.clientId,
      updated_at: new Date(),
    })
    .onConflict()
    .ignore()
    .returning<LimitsRow[]>('*');
  return row;
}

async function update(
  trx: Knex.Transaction,
  { id, version }: LimitsRow,
  values: LimitValues,
  { by }: Author,
): Promise<LimitsRow | undefined> {
  const [row] = await trx('risk_limits')
    .where({ id })
    .update({
      ...columns(values),
      version: version + 1,
      updated_by: by.clientId,
      updated_at: new Date(),
    })
    .returning<LimitsRow[]>('*');
  return row;
}

/**
 * @param version null for any, `NO_ROW` when there must be none
 * @throws DomainError 409 when the version in force is another
 */
export function requireVersion(row: LimitsRow | undefined, version: number | null): void {
  if (version === null || version === (row?.version ?? NO_ROW)) return;
  const wanted =
    version === NO_ROW ? 'there were no such limits' : `they were at version ${version}`;
  const current = row ? `they are at version ${row.version}` : 'there are none';
  throw new DomainError(
    'conflict',
    40910001,
    `When this change was asked for, ${wanted}, but now ${current}; read them again`,
    { version: row?.version ?? null },
  );
}

function record(
  trx: Knex.Transaction,
  author: Author,
  before: LimitsRow | undefined,
  after: LimitsRow | undefined,
): Promise<void> {
  const { account_id, asset_id, symbol } = (after ?? before)!;
  return recordChange(trx, author, {
    action: after ? 'limits.set' : 'limits.delete',
    target: { account_id, asset_id, symbol },
    before: before ? presentLimits(before) : null,
    after: after ? presentLimits(after) : null,
  });
}

/** The driver takes no bigint for a value that knex has put into a record. */
const columns = (values: LimitValues) => ({
  max_order_qty: values.max_order_qty?.toString() ?? null,
  max_order_notional: values.max_order_notional?.toString() ?? null,
  collar_bps: values.collar_bps,
  max_open_exposure: values.max_open_exposure?.toString() ?? null,
  duplicate_window_ms: values.duplicate_window_ms,
  max_orders_per_second: values.max_orders_per_second,
});

const isSame = (one: LimitValues, other: LimitValues): boolean =>
  JSON.stringify(columns(one)) === JSON.stringify(columns(other));

const decimal = (units: bigint | null, scale: number): string | null =>
  units === null ? null : formatDecimal(units, scale);

/** The values alone, as JSON. */
export const limitTexts = (values: LimitValues) => ({
  max_order_qty: decimal(values.max_order_qty, QTY_SCALE),
  max_order_notional: decimal(values.max_order_notional, PRICE_SCALE),
  collar_bps: values.collar_bps,
  max_open_exposure: decimal(values.max_open_exposure, PRICE_SCALE),
  duplicate_window_ms: values.duplicate_window_ms,
  max_orders_per_second: values.max_orders_per_second,
});

/** Limits as the API shows them and as changes are recorded: null where a row does not say. */
export const presentLimits = (row: LimitsRow): Record<string, unknown> => ({
  id: row.id,
  account_id: row.account_id,
  asset_id: row.asset_id,
  symbol: row.symbol,
  ...limitTexts(row),
  version: row.version,
  updated_by: row.updated_by,
  updated_at: row.updated_at.toISOString(),
});
