/**
 * What the detectors of market abuse have in common. They are given what happened up to the end of a
 * closed window, with some time before it, and tell what looks like abuse: a reason for people to
 * look, never a verdict. A pattern belongs to the window in which it became complete.
 */

/** Kinds of findings; permanent strings, they are in the database. */
export const FINDING_KINDS = ['wash_trade', 'layering', 'message_burst', 'concentration'] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

/** What an operator may set; see `config.ts`. */
export interface Thresholds {
  /** Trades between linked accounts, in both directions, that need an explanation. */
  readonly washTrades: number;
  /** Orders that are withdrawn after an execution on the other side. */
  readonly layers: number;
  /** How many times larger they are than the orders that executed. */
  readonly layeringRatio: number;
  /** Orders and cancellations of one account in one asset within BURST_MS. */
  readonly burstMessages: number;
  /** Of an asset's volume of the day, in percent, bought or sold by one beneficial owner. */
  readonly concentrationPct: number;
}

/** From `from` on, before `to`. */
export interface Window {
  readonly from: Date;
  readonly to: Date;
}

/** An order or an execution that supports a finding; decimals as text. */
export interface Evidence {
  readonly subject: 'order' | 'execution';
  readonly id: string;
  /** Null for an execution: it is of two. */
  readonly accountId: string | null;
  readonly at: Date;
  readonly figures: Figures;
}

export type Figures = Readonly<Record<string, string | number | null>>;

export interface Finding {
  readonly kind: FindingKind;
  /** Which rule of its kind. */
  readonly rule: string;
  /** Sorted, without repetition. */
  readonly accountIds: readonly string[];
  readonly assetId: string;
  /** Findings of the same rule, accounts, asset and bucket are one. */
  readonly bucket: string;
  readonly from: Date;
  readonly to: Date;
  /** 1 to 100: how far beyond the thresholds. */
  readonly score: number;
  /** A sentence. */
  readonly summary: string;
  readonly figures: Figures;
  readonly evidence: readonly Evidence[];
}

/** One side's order of a trade. */
export interface TradedOrder {
  readonly id: string;
  /** Of the whole order, in 10^-9 units. */
  readonly qty: bigint;
  readonly createdAt: Date;
}

/** An execution with who bought from whom. */
export interface Trade {
  readonly id: string;
  readonly assetId: string;
  readonly buyer: string;
  readonly seller: string;
  /** In 10^-4 USD. */
  readonly price: bigint;
  /** In 10^-9 units. */
  readonly qty: bigint;
  /** In 10^-4 USD. */
  readonly value: bigint;
  readonly executedAt: Date;
  /** When its row was made, a moment later; decides which window it belongs to. */
  readonly recordedAt: Date;
  readonly buyOrder: TradedOrder;
  readonly sellOrder: TradedOrder;
}

/** So near in time that two orders may have been entered by agreement. */
const ENTERED_TOGETHER_MS = 10_000;
const SAME_SIZE_PCT = 10n;

/**
 * A trade of two orders of about the same size that were entered at about the same time: how
 * pre-arranged trades look, and how orders that meet in a book by chance rarely do.
 */
export function isMatched({ buyOrder, sellOrder }: Trade): boolean {
  const apartMs = Math.abs(buyOrder.createdAt.getTime() - sellOrder.createdAt.getTime());
  return apartMs <= ENTERED_TOGETHER_MS && isAbout(buyOrder.qty, sellOrder.qty, SAME_SIZE_PCT);
}

/** True when two amounts above zero differ by at most this much of the larger one. */
export function isAbout(one: bigint, other: bigint, pct: bigint): boolean {
  const [small, large] = one < other ? [one, other] : [other, one];
  return (large - small) * 100n <= large * pct;
}

export const isWithin = (at: Date, { from, to }: Window): boolean => at >= from && at < to;

export const sum = (amounts: Iterable<bigint>): bigint => {
  let total = 0n;
  for (const amount of amounts) total += amount;
  return total;
};

/** From the first to the last of some times. */
export function spanOf(times: readonly Date[]): { from: Date; to: Date } {
  const all = times.map((time) => time.getTime());
  return { from: new Date(Math.min(...all)), to: new Date(Math.max(...all)) };
}

/** The figures 1 to 100, whatever comes in. */
export const scoreOf = (points: number): number => Math.max(1, Math.min(100, Math.round(points)));

export const sorted = (ids: Iterable<string>): string[] => [...new Set(ids)].sort();

/** Groups what belongs together, in the order of its first member. */
export function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
