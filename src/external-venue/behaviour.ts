import { seededRandom, type Random } from '../domain/seeded-random.js';
import type { Side } from '../domain/order-book.js';

/** How the simulated venue behaves. Shares are percentages of orders, or of reports. */
export interface VenueBehaviour {
  /** The same seed decides the same about the same route. */
  readonly seed: string;
  /** From the order to its first trade, and from each to the next. */
  readonly latencyMin: number;
  readonly latencyMax: number;
  /** Orders of which only a part is traded. */
  readonly partialShare: number;
  /** Orders that are not taken. */
  readonly rejectShare: number;
  /** Reports that come later than what follows them. */
  readonly lateShare: number;
  /** Reports that are told twice. */
  readonly duplicateShare: number;
  /** Reports that are told only when they are asked for. */
  readonly lostShare: number;
  /** Every so often the venue is out for a while: it takes nothing and tells nothing. 0: never. */
  readonly outageEveryMs: number;
  readonly outageForMs: number;
}

/** What is decided about an order when it is taken. Times are milliseconds after that. */
export interface PlannedReport {
  readonly type: 'fill' | 'rejected' | 'done';
  /** Of a fill, in 10^-4 USD and 10^-9 units. */
  readonly price: bigint | null;
  readonly qty: bigint | null;
  readonly totalQty: bigint | null;
  readonly reason: string | null;
  readonly happensAfter: number;
  /** Null: only when it is asked for. */
  readonly toldAfter: number | null;
  readonly repeats: number;
}

export interface OrderToPlan {
  readonly route: string;
  readonly side: Side;
  readonly qty: bigint;
  readonly limitPrice: bigint;
  readonly referencePrice: bigint;
  /** How long it is good for. */
  readonly goodForMs: number;
}

const PARTS_MAX = 3;
/** Prices are up to so much better or worse than the reference, in 1/100 of a percent. */
const SPREAD_BPS = 5;
const LATE_BY_MS = 1_500;
const SHARE = 1_000_000_000n;

/**
 * Decides once what becomes of an order: how much of it is traded, in how many parts, when, and how
 * badly that is told. Never worse than its limit, and never beyond its time.
 */
export function planOrder(order: OrderToPlan, behaviour: VenueBehaviour): PlannedReport[] {
  const random = seededRandom(behaviour.seed, order.route);
  const chance = (share: number) => random() * 100 < share;
  const latency = () =>
    behaviour.latencyMin + random() * (behaviour.latencyMax - behaviour.latencyMin);
  const tell = (happensAfter: number) => ({
    happensAfter,
    toldAfter: chance(behaviour.lostShare)
      ? null
      : happensAfter + (chance(behaviour.lateShare) ? random() * LATE_BY_MS : 0),
    repeats: chance(behaviour.duplicateShare) ? 1 : 0,
  });
  const nothing = { price: null, qty: null, totalQty: null, reason: null };
  if (order.goodForMs <= 0) return [{ ...nothing, ...tell(0), ...done(0n, 'expired') }];
  if (chance(behaviour.rejectShare)) {
    return [{ ...nothing, ...tell(latency()), type: 'rejected', reason: 'not_accepted' }];
  }
  const isPartial = chance(behaviour.partialShare);
  const wanted = isPartial ? partOf(order.qty, 0.2 + 0.6 * random()) : order.qty;
  const reports: PlannedReport[] = [];
  let [traded, at] = [0n, 0];
  for (const qty of split(wanted, 1 + Math.floor(random() * PARTS_MAX))) {
    at += latency();
    if (at >= order.goodForMs) break;
    traded += qty;
    const price = priceAt(order, random);
    reports.push({ ...nothing, ...tell(at), type: 'fill', price, qty });
  }
  const isWhole = traded === order.qty;
  const last = isWhole
    ? at
    : isPartial
      ? Math.min(at + latency(), order.goodForMs)
      : order.goodForMs;
  const reason = isWhole ? null : last === order.goodForMs ? 'expired' : 'no_liquidity';
  return [...reports, { ...nothing, ...tell(last), ...done(traded, reason) }];
}

/** Whether the venue is out at a moment; the outages of all processes are the same. */
export const isOut = (
  { outageEveryMs, outageForMs }: Pick<VenueBehaviour, 'outageEveryMs' | 'outageForMs'>,
  now: Date,
): boolean => outageEveryMs > 0 && now.getTime() % outageEveryMs < outageForMs;

const done = (totalQty: bigint, reason: string | null) =>
  ({ type: 'done', totalQty, reason }) as const;

/** Whole shares where there are some. */
function partOf(qty: bigint, part: number): bigint {
  const exact = (qty * BigInt(Math.floor(part * 1_000))) / 1_000n;
  const whole = exact - (exact % SHARE);
  if (whole > 0n) return whole;
  return exact > 0n ? exact : qty;
}

function split(qty: bigint, parts: number): bigint[] {
  const each = partOf(qty, 1 / parts);
  const pieces: bigint[] = [];
  for (let left = qty; left > 0n; left -= pieces.at(-1)!) {
    const isLast = pieces.length === parts - 1 || left <= each;
    pieces.push(isLast ? left : each);
  }
  return pieces;
}

/** Around the reference, to the cent where that is within the limit. */
function priceAt({ side, limitPrice, referencePrice }: OrderToPlan, random: Random): bigint {
  const away = Math.round((2 * random() - 1) * SPREAD_BPS);
  const exact = (referencePrice * BigInt(10_000 + away)) / 10_000n;
  const cents = exact >= 100n ? exact - (exact % 100n) : exact;
  const isWithin = side === 'buy' ? cents <= limitPrice : cents >= limitPrice;
  return isWithin ? cents : limitPrice;
}
