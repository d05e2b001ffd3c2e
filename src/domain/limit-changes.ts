/** What a row of limits says; null where it does not. Quantities in 10^-9, money in 10^-4 USD. */
export interface LimitValues {
  readonly max_order_qty: bigint | null;
  readonly max_order_notional: bigint | null;
  readonly collar_bps: number | null;
  readonly max_open_exposure: bigint | null;
  /** An order like another within this time is refused; 0 is off. */
  readonly duplicate_window_ms: number | null;
  /** 0 is no limit. */
  readonly max_orders_per_second: number | null;
}

export type LimitName = keyof LimitValues;

/** Where nothing is said: no limit. */
export const NOTHING_SAID: LimitValues = {
  max_order_qty: null,
  max_order_notional: null,
  collar_bps: null,
  max_open_exposure: null,
  duplicate_window_ms: null,
  max_orders_per_second: null,
};

const NAMES = Object.keys(NOTHING_SAID) as LimitName[];

/**
 * Which limits a change would loosen; one that loosens none only tightens. A row of its own comes
 * instead of the house's limits, also where it is wider (`LimitBook.for`): so a value that the row did
 * not have yet is compared with what held without it. To take a value away always counts as
 * loosening: what would hold then depends on other rows, which may change.
 * @param before what the row says now; undefined when there is none
 * @param after what it is to say; undefined when it is deleted
 * @param otherwise what holds where the row says nothing: the house's limits, else the settings'
 */
export function loosened(
  before: LimitValues | undefined,
  after: LimitValues | undefined,
  otherwise: LimitValues,
): LimitName[] {
  const [from, to] = [before ?? NOTHING_SAID, after ?? NOTHING_SAID];
  return NAMES.filter((name) => isLooser(name, from, to, otherwise));
}

function isLooser(
  name: LimitName,
  from: LimitValues,
  to: LimitValues,
  otherwise: LimitValues,
): boolean {
  if (to[name] === null) return from[name] !== null;
  const held = leewayOf(name, from[name] === null ? otherwise : from);
  const wanted = leewayOf(name, to);
  return held !== null && (wanted === null || wanted > held);
}

/**
 * How much a value lets through: more is looser, null is no limit at all. Of a duplicate window the
 * longer one lets less through; a rate of 0 is none.
 */
function leewayOf(name: LimitName, values: LimitValues): bigint | null {
  const value = values[name];
  if (value === null) return null;
  if (name === 'duplicate_window_ms') return -BigInt(value);
  return name === 'max_orders_per_second' && value === 0 ? null : BigInt(value);
}
