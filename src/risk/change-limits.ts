import type { Knex } from 'knex';
import type { Approval } from '../approvals/model.js';
import type { Approvals } from '../approvals/service.js';
import { loosened, NOTHING_SAID, type LimitValues } from '../domain/limit-changes.js';
import { notFound } from '../errors.js';
import type { Author, ControlTarget } from './control-changes.js';
import { limitsDeleteKind, limitsSetKind } from './limit-approvals.js';
import {
  findLimits,
  limitTexts,
  lockAllLimits,
  lockLimits,
  requireVersion,
  setLimits,
  type LimitsRow,
} from './limit-store.js';
import type { RiskLimits } from './limits.js';
import { HOUSE } from './targets.js';

export interface LimitChangesDeps {
  readonly approvals: Approvals;
  /** What holds where no row says otherwise. */
  readonly defaults: RiskLimits;
}

/** What became of a change: done, or waiting for a second person. */
export type ChangedLimits =
  | { readonly limits: LimitsRow; readonly approval?: never }
  | { readonly limits?: never; readonly approval: Approval };

/**
 * Sets limits. What only tightens acts at once: a risk officer must be able to stop the loss alone
 * (SEC rule 15c3-5 wants them in direct control). What loosens anything waits for a second person.
 * @param version only when this is the version in force; null for any
 * @throws DomainError 409 when it is another, 422 when there are too many rows
 */
export async function changeLimits(
  trx: Knex.Transaction,
  { approvals, defaults }: LimitChangesDeps,
  target: ControlTarget,
  change: { readonly values: LimitValues; readonly version: number | null },
  author: Author,
): Promise<ChangedLimits> {
  const { values, version } = change;
  await lockAllLimits(trx);
  const { account_id, asset_id, symbol } = target;
  const before = await lockLimits(trx, { account_id, asset_id });
  requireVersion(before, version);
  const loosens = loosened(before, values, await otherwise(trx, target, defaults));
  if (loosens.length === 0)
    return { limits: await setLimits(trx, target, values, version, author) };
  const wanted = {
    account_id,
    asset_id,
    symbol,
    version: before?.version ?? null,
    values: limitTexts(values),
    loosens,
  };
  return { approval: await approvals.request(trx, limitsSetKind, wanted, author) };
}

/**
 * Takes limits away, which waits for a second person: there is less of a limit afterwards.
 * @throws DomainError 404, 409 when the version is another
 */
export async function askToDelete(
  trx: Knex.Transaction,
  { approvals }: Pick<LimitChangesDeps, 'approvals'>,
  id: string,
  version: number | null,
  author: Author,
): Promise<Approval> {
  await lockAllLimits(trx);
  const before = await findLimits(trx, id);
  if (!before) throw notFound('limits');
  requireVersion(before, version);
  const { account_id, asset_id, symbol } = before;
  const loosens = loosened(before, undefined, NOTHING_SAID);
  const wanted = { account_id, asset_id, symbol, limits_id: id, version: before.version, loosens };
  return approvals.request(trx, limitsDeleteKind, wanted, author);
}

/** What holds where the subject's own row says nothing: the house's row, and the settings. */
async function otherwise(
  trx: Knex.Transaction,
  { account_id, asset_id }: ControlTarget,
  defaults: RiskLimits,
): Promise<LimitValues> {
  const settings: LimitValues = {
    max_order_qty: defaults.maxQty,
    max_order_notional: defaults.maxNotional,
    collar_bps: defaults.collarBps,
    max_open_exposure: defaults.maxOpenExposure,
    duplicate_window_ms: defaults.duplicateWindowMs,
    max_orders_per_second: defaults.maxOrdersPerSecond,
  };
  if (account_id === null && asset_id === null) return settings;
  const house = await lockLimits(trx, { account_id: HOUSE.account_id, asset_id: HOUSE.asset_id });
  return {
    max_order_qty: house?.max_order_qty ?? settings.max_order_qty,
    max_order_notional: house?.max_order_notional ?? settings.max_order_notional,
    collar_bps: house?.collar_bps ?? settings.collar_bps,
    max_open_exposure: house?.max_open_exposure ?? settings.max_open_exposure,
    duplicate_window_ms: house?.duplicate_window_ms ?? settings.duplicate_window_ms,
    max_orders_per_second: house?.max_orders_per_second ?? settings.max_orders_per_second,
  };
}
