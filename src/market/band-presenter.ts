import type { BandState } from '../domain/band-state.js';
import { formatDecimal, PRICE_SCALE } from '../domain/money.js';

const price = (value: bigint | undefined): string | null =>
  value === undefined ? null : formatDecimal(value, PRICE_SCALE);

const time = (value: Date | null | undefined): string | null => value?.toISOString() ?? null;

const STATES = { upper: 'limit_up', lower: 'limit_down' } as const;

/** An asset's bands in our own format; without bands, or before the first ones, there is `none`. */
export const presentBands = (symbol: string, bandBps: number | null, state: BandState | null) => ({
  symbol,
  band_bps: bandBps,
  state: stateOf(state),
  reference: price(state?.reference),
  lower: price(state?.lower),
  upper: price(state?.upper),
  moved_at: time(state?.movedAt),
  edge: state?.limitEdge ?? null,
  since: time(state?.limitSince),
  halted_until: time(state?.haltedUntil),
});

function stateOf(state: BandState | null): string {
  if (!state) return 'none';
  if (state.haltId !== null) return 'halted';
  return state.limitEdge === null ? 'normal' : STATES[state.limitEdge];
}
