import {
  bandAround,
  isDoubledAt,
  isMoved,
  pressedEdge,
  REFERENCE_STAYS_MS,
  type BandTerms,
  type BestPrices,
  type Edge,
  type PriceBand,
} from './price-bands.js';
import type { Session } from './clock.js';

/** An asset's bands, and how hard the market presses against them. Prices in 10^-4 USD. */
export interface BandState extends PriceBand {
  readonly reference: bigint;
  readonly movedAt: Date;
  /** Trades before it do not count for the next reference. */
  readonly countsFrom: Date;
  /** The close after which the reference of this session was taken; null where nothing closes. */
  readonly afterClose: Date | null;
  /** Of the limit state, and of the halt that came of it; null in quiet times. */
  readonly limitEdge: Edge | null;
  readonly limitSince: Date | null;
  /** Our own halt of the asset. */
  readonly haltId: string | null;
  readonly haltedUntil: Date | null;
}

/** What is true of the asset at this moment. */
export interface BandFacts {
  readonly now: Date;
  readonly terms: BandTerms;
  /** Where the market closes: the session of this day, if any, and the last close. */
  readonly hours: { readonly session: Session | null; readonly lastClose: Date } | null;
  /** The last trade, or what the asset is worth before the first one. */
  readonly price: bigint;
  /** Of the trades that count; null when there were none, or nobody looked. */
  readonly mean: bigint | null;
  readonly best: BestPrices;
  /** When orders were last stopped at an edge. */
  readonly stoppedAt: Readonly<Record<Edge, Date | null>>;
  readonly lastTradeAt: Date | null;
  /** Of the halt that is in force, whoever it is from. */
  readonly haltId: string | null;
}

/** What is to be done: the state from now on, and whether to halt the asset or to lift our halt. */
export interface BandDecision {
  readonly state: BandState;
  readonly act: 'halt' | 'lift' | null;
}

/** Sections VI (B)(1) and VII (A) and (B) of the plan. */
export const LIMIT_STATE_MS = 15_000;
export const HALT_MS = 300_000;

const QUIET = { limitEdge: null, limitSince: null, haltId: null, haltedUntil: null } as const;

/**
 * What follows for an asset's bands from what is true now: they move with the trades and begin anew with
 * a session; the market that presses against an edge for 15 seconds is halted for five minutes and goes
 * on around that edge. While it presses, the bands stand still.
 * @param state null for an asset that has none yet
 */
export function decideBand(state: BandState | null, facts: BandFacts): BandDecision {
  if (!state) return { state: rebased(facts, facts.price), act: null };
  if (state.haltId !== null) return duringHalt(state, facts);
  const edge = facts.haltId === null && isOpen(facts) ? edgePressed(state, facts) : null;
  if (edge === null) return { state: moved({ ...state, ...QUIET }, facts), act: null };
  if (edge !== state.limitEdge) {
    return { state: { ...state, limitEdge: edge, limitSince: facts.now }, act: null };
  }
  const isOver = msBetween(state.limitSince!, facts.now) >= LIMIT_STATE_MS;
  return { state, act: isOver ? 'halt' : null };
}

/** Ours ends in time, or was ended by somebody: then trading goes on around the edge. */
function duringHalt(state: BandState, facts: BandFacts): BandDecision {
  const isOurs = facts.haltId === state.haltId;
  if (isOurs && facts.now < state.haltedUntil!) return { state, act: null };
  const edge = state[state.limitEdge!];
  return { state: rebased(facts, edge), act: isOurs ? 'lift' : null };
}

function edgePressed(state: BandState, { best, stoppedAt, lastTradeAt }: BandFacts): Edge | null {
  const wasStopped = (edge: Edge): boolean => {
    const at = stoppedAt[edge];
    return at !== null && (lastTradeAt === null || lastTradeAt <= at);
  };
  const stopped = { upper: wasStopped('upper'), lower: wasStopped('lower') };
  return pressedEdge(state, best, stopped);
}

/** A new session begins at the price of the last close; within one the bands follow the trades. */
function moved(state: BandState, facts: BandFacts): BandState {
  const { hours, mean, now } = facts;
  if (hours && (state.afterClose ?? 0) < hours.lastClose) return rebased(facts, facts.price);
  const mayMove = msBetween(state.movedAt, now) >= REFERENCE_STAYS_MS;
  if (mean !== null && mayMove && isMoved(state.reference, mean)) {
    return { ...state, reference: mean, movedAt: now, ...around(mean, facts) };
  }
  return { ...state, ...around(state.reference, facts) };
}

const rebased = (facts: BandFacts, reference: bigint): BandState => ({
  reference,
  movedAt: facts.now,
  countsFrom: facts.now,
  afterClose: facts.hours?.lastClose ?? null,
  ...around(reference, facts),
  ...QUIET,
});

const around = (reference: bigint, { terms, hours, now }: BandFacts): PriceBand =>
  bandAround(reference, terms, hours !== null && isDoubledAt(now, hours.session));

const isOpen = ({ hours, now }: BandFacts): boolean =>
  hours === null ||
  (hours.session !== null && hours.session.open <= now && now < hours.session.close);

const msBetween = (from: Date, to: Date): number => to.getTime() - from.getTime();
