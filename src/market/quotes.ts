import { QTY_SCALE } from '../domain/money.js';

/** One order that the market maker wants in the book. */
export interface Quote {
  side: 'buy' | 'sell';
  /** In 10^-4 USD. */
  price: bigint;
  /** In 10^-9 units. */
  qty: bigint;
}

const BPS_ONE = 10_000n;
const QTY_ONE = 10n ** BigInt(QTY_SCALE);
/** Distance of each level from the reference price, and the dollars offered there. */
const LEVELS = [
  { distanceBps: 3n, dollars: 100_000n },
  { distanceBps: 8n, dollars: 250_000n },
  { distanceBps: 20n, dollars: 500_000n },
];
const MONEY_ONE = 10_000n;

/**
 * The quotes around a reference price: three levels a side, never closer than one tick, in round
 * quantities.
 * @param reference in 10^-4 USD
 * @param lot       quantities are multiples of it, in 10^-9 units
 */
export function quotesAround(reference: bigint, tick: bigint, lot: bigint): Quote[] {
  return LEVELS.flatMap(({ distanceBps, dollars }, level) => {
    const least = tick * BigInt(level + 1);
    const wanted = (reference * distanceBps) / BPS_ONE;
    const distance = wanted > least ? wanted : least;
    const ask = ceilTo(reference + distance, tick);
    const bid = ((reference - distance) / tick) * tick;
    const units = (dollars * MONEY_ONE * QTY_ONE) / reference;
    const qty = units > lot ? (units / lot) * lot : lot;
    const quotes: Quote[] = [{ side: 'sell', price: ask, qty }];
    if (bid > 0n) quotes.push({ side: 'buy', price: bid, qty });
    return quotes;
  });
}

const ceilTo = (value: bigint, step: bigint): bigint => ((value + step - 1n) / step) * step;
