import { QTY_SCALE } from '../domain/money.js';
import { isStranded, type PriceBand } from '../domain/price-bands.js';

export type QuoteSide = 'buy' | 'sell';

/** One order that the market maker wants in the book. */
export interface Quote {
  readonly side: QuoteSide;
  /** In 10^-4 USD. */
  readonly price: bigint;
  /** In 10^-9 units. */
  readonly qty: bigint;
}

interface LevelQuote extends Quote {
  /** From the centre, before rounding, in 10^-4 USD. */
  readonly distance: bigint;
}

/** One that is open; `qty` is what is unfilled of it. */
export interface OpenQuote extends Quote {
  readonly orderId: string;
  /** Whether a worker has yet to do what was last asked for: to place or to withdraw it. */
  readonly isWaiting: boolean;
}

/** A quantity of each side, in 10^-9 units. */
export type Sides = Readonly<Record<QuoteSide, bigint>>;

export interface QuoteRules {
  /** In 10^-4 USD. */
  readonly tick: bigint;
  /** Quantities are multiples of it, in 10^-9 units. */
  readonly lot: bigint;
  /** The most that one quote may be, in 10^-9 units. */
  readonly maxQty: bigint;
  /** The most that all quotes of a side may be. */
  readonly room: Sides;
  /** Of the best quotes, in 10^-9 units; null: the usual dollars. */
  readonly topQty: bigint | null;
}

const BPS_ONE = 10_000n;
const QTY_ONE = 10n ** BigInt(QTY_SCALE);
const MONEY_ONE = 10_000n;
/** Distance of each level from the centre, and the dollars offered there. */
const LEVELS = [
  { distanceBps: 3n, dollars: 100_000n },
  { distanceBps: 8n, dollars: 250_000n },
  { distanceBps: 20n, dollars: 500_000n },
];
/** How far the whole ladder moves when the inventory is at its limit. */
const SKEW_BPS = 10n;

/**
 * Where the ladder stands: below the reference when the house holds more than it wants, so that its
 * offers are the better ones, and above it when it holds less.
 * @param reference in 10^-4 USD
 * @param inventory away from what it wants to hold, in 10^-9 units
 * @param limit     of the inventory either way, in 10^-9 units
 */
export function skewedCentre(reference: bigint, inventory: bigint, limit: bigint): bigint {
  const bounded = inventory > limit ? limit : inventory < -limit ? -limit : inventory;
  return reference - (reference * SKEW_BPS * bounded) / (limit * BPS_ONE);
}

/**
 * The quotes around a price: three levels a side, never closer than one tick, in round quantities.
 * Where there is less room than they need, all of them are smaller in proportion.
 * @param centre in 10^-4 USD
 */
export function ladder(centre: bigint, rules: QuoteRules): LevelQuote[] {
  const sizes = LEVELS.map(({ dollars }, level) => {
    const usual = (dollars * MONEY_ONE * QTY_ONE) / centre;
    const wanted = level === 0 && rules.topQty !== null ? rules.topQty : usual;
    return least(wanted > rules.lot ? wanted : rules.lot, rules.maxQty);
  });
  const whole = sizes.reduce((sum, size) => sum + size, 0n);
  return (['sell', 'buy'] as const).flatMap((side) =>
    LEVELS.flatMap(({ distanceBps }, level) => {
      const { room, tick, lot } = rules;
      const [size, closest] = [sizes[level]!, tick * BigInt(level + 1)];
      const fitting = room[side] < whole ? (size * room[side]) / whole : size;
      const qty = (fitting / lot) * lot;
      const wanted = (centre * distanceBps) / BPS_ONE;
      const distance = wanted > closest ? wanted : closest;
      const price =
        side === 'sell' ? ceilTo(centre + distance, tick) : floorTo(centre - distance, tick);
      return qty > 0n && price > 0n ? [{ side, price, qty, distance }] : [];
    }),
  );
}

/**
 * What of a ladder its asset's price bands leave: a level beyond them is left out. When the whole ladder
 * is above them, the best bid stands at the upper band (below them, the best ask at the lower one): the
 * house still wants to buy there, and the market presses against the band for all to see.
 */
export function insideBand(wanted: readonly LevelQuote[], band: PriceBand): LevelQuote[] {
  const inside = wanted.filter(({ price }) => price >= band.lower && price <= band.upper);
  const stranded = wanted.find(({ side, price }) => isStranded(side, price, band));
  if (!stranded || inside.some(({ side }) => side === stranded.side)) return inside;
  return [{ ...stranded, price: stranded.side === 'buy' ? band.upper : band.lower }, ...inside];
}

export interface Changes {
  readonly withdraw: readonly OpenQuote[];
  readonly place: readonly Quote[];
}

/**
 * What to do so that the book has the wanted quotes. An open one stays while it is within two thirds
 * of its distance and at most half of it is gone: so it never crosses a new one of the other side.
 * What is placed and everything that is open, also what is being withdrawn, are never more than the
 * room: the one may still trade before the other.
 */
export function changesTo(
  wanted: readonly LevelQuote[],
  open: readonly OpenQuote[],
  room: Sides,
): Changes {
  const left = new Set(open);
  const missing = wanted.filter((quote) => {
    const kept = closestOf(quote, left);
    if (kept) left.delete(kept);
    return !kept;
  });
  const spare = { buy: room.buy, sell: room.sell };
  for (const { side, qty } of open) spare[side] -= qty;
  const place = missing.flatMap(({ side, price, qty }) => {
    if (qty > spare[side]) return []; // once the others are out of the book
    spare[side] -= qty;
    return [{ side, price, qty }];
  });
  return { withdraw: [...left], place };
}

function closestOf(wanted: LevelQuote, open: ReadonlySet<OpenQuote>): OpenQuote | undefined {
  let closest: { quote: OpenQuote; away: bigint } | undefined;
  for (const quote of open) {
    if (quote.side !== wanted.side) continue;
    if (quote.qty * 2n < wanted.qty || quote.qty * 2n > wanted.qty * 3n) continue;
    const away = distanceOf(quote.price, wanted.price);
    if (away * 3n > wanted.distance * 2n) continue;
    if (!closest || away < closest.away) closest = { quote, away };
  }
  return closest?.quote;
}

const distanceOf = (a: bigint, b: bigint): bigint => (a > b ? a - b : b - a);
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const ceilTo = (value: bigint, step: bigint): bigint => ((value + step - 1n) / step) * step;
const floorTo = (value: bigint, step: bigint): bigint => (value / step) * step;
