import type { ApprovalKind, ApprovedBy } from '../approvals/kinds.js';
import type { LimitName, LimitValues } from '../domain/limit-changes.js';
import { parseDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import { notFound } from '../errors.js';
import type { Author, ControlTarget } from './control-changes.js';
import {
  deleteLimits,
  findLimits,
  type limitTexts,
  lockAllLimits,
  NO_ROW,
  presentLimits,
  setLimits,
} from './limit-store.js';

/** Limits as JSON: decimals as text, null where nothing is said. */
type LimitTexts = ReturnType<typeof limitTexts>;

/** The row that was in force when somebody asked to change it. */
interface WantedChange extends ControlTarget {
  readonly [other: string]: unknown;
  /** Null when there was none. */
  readonly version: number | null;
  /** What would be looser than it was then. */
  readonly loosens: readonly LimitName[];
}

export interface WantedLimits extends WantedChange {
  readonly values: LimitTexts;
}

export interface WantedDeletion extends WantedChange {
  readonly limits_id: string;
}

const OFFICERS = ['compliance', 'admin'] as const;

/** Limits of which at least one gets looser. */
export const limitsSetKind: ApprovalKind<WantedLimits> = {
  kind: 'limits.set',
  requesters: OFFICERS,
  approvers: OFFICERS,
  describe: (wanted) => `Set ${whose(wanted)}, looser in ${wanted.loosens.join(', ')}`,
  subjectOf: ({ account_id, asset_id, symbol }) => ({ account_id, asset_id, symbol }),
  async execute(trx, wanted, approved) {
    const { account_id, asset_id, symbol, version } = wanted;
    await lockAllLimits(trx);
    const target = { account_id, asset_id, symbol };
    const author = authorOf(approved);
    const limits = await setLimits(
      trx,
      target,
      readTexts(wanted.values),
      version ?? NO_ROW,
      author,
    );
    return presentLimits(limits);
  },
};

/** Limits that are taken away as a whole. */
export const limitsDeleteKind: ApprovalKind<WantedDeletion> = {
  kind: 'limits.delete',
  requesters: OFFICERS,
  approvers: OFFICERS,
  describe: (wanted) => `Take away ${whose(wanted)}: ${wanted.loosens.join(', ')}`,
  subjectOf: ({ account_id, asset_id, symbol }) => ({ account_id, asset_id, symbol }),
  async execute(trx, { limits_id: id, version }, approved) {
    await lockAllLimits(trx);
    if (!(await findLimits(trx, id))) throw notFound('limits');
    await deleteLimits(trx, id, version, authorOf(approved));
    return null;
  },
};

const authorOf = ({ by, reason, approvalId }: ApprovedBy): Author => ({ by, reason, approvalId });

function whose({ account_id, symbol }: ControlTarget): string {
  if (account_id !== null) return `the limits of account ${account_id}`;
  return symbol === null ? 'the limits of the house' : `the limits of ${symbol}`;
}

const read = (text: string | null, scale: number): bigint | null =>
  text === null ? null : parseDecimal(text, scale);

const readTexts = (texts: LimitTexts): LimitValues => ({
  max_order_qty: read(texts.max_order_qty, QTY_SCALE),
  max_order_notional: read(texts.max_order_notional, PRICE_SCALE),
  collar_bps: texts.collar_bps,
  max_open_exposure: read(texts.max_open_exposure, PRICE_SCALE),
  duplicate_window_ms: texts.duplicate_window_ms,
  max_orders_per_second: texts.max_orders_per_second,
});
