import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { newYorkDay, newYorkMidnight, type MarketHours } from '../../src/domain/clock.js';
import { tradeValue } from '../../src/domain/money.js';
import type { Bar } from '../../src/market/bars-model.js';
import { advanceTape } from '../../src/market/tape.js';
import type { Trading } from './trading.js';

export interface WrittenTrade {
  readonly seq: bigint;
  readonly symbol: string;
  readonly price: bigint;
  readonly qty: bigint;
  readonly executedAt: Date;
}

export type NewTrade = Omit<WrittenTrade, 'seq'> & { readonly takerSide?: 'buy' | 'sell' };

/** Writes trades that never were, at any time: orders would only make them now. */
export async function writeTrades(trading: Trading, trades: readonly NewTrade[]): Promise<void> {
  const { catalog } = trading.container;
  const rows = trades.map(({ symbol, price, qty, executedAt, takerSide = 'buy' }) => {
    const ids = [uuidv7(), uuidv7(), uuidv7(), catalog.find(symbol)!.id].map((id) => `'${id}'`);
    const value = tradeValue(price, qty);
    return `(${ids.join()}, '${takerSide}', ${price}, ${qty}, ${value}, 0, 0, '${executedAt.toISOString()}')`;
  });
  await trading.asOwner(`
    set session_replication_role = replica; -- there are no such orders
    insert into executions (id, taker_order_id, maker_order_id, asset_id, taker_side, price, qty, value,
      taker_fee, maker_fee, executed_at) values ${rows.join()}`);
}

/** Trades of one symbol at random prices, each up to `gapMs` after the one before. */
export function randomTrades(
  symbol: string,
  count: number,
  { from, gapMs, random }: { from: Date; gapMs: number; random: () => number },
): NewTrade[] {
  let at = from.getTime();
  return Array.from({ length: count }, () => {
    at += Math.ceil(random() * gapMs);
    return {
      symbol,
      price: BigInt(1_400_000 + Math.floor(random() * 200_000)),
      qty: BigInt(1 + Math.floor(random() * 5e9)),
      executedAt: new Date(at),
      takerSide: random() < 0.5 ? 'buy' : 'sell',
    };
  });
}

/** All trades of a symbol, by their numbers. */
export async function tradesOf(trading: Trading, symbol: string): Promise<WrittenTrade[]> {
  const { db, catalog } = trading.container;
  const rows = await db
    .knex('executions')
    .where({ asset_id: catalog.find(symbol)!.id })
    .orderBy('seq')
    .select<WrittenTrade[]>('seq', 'price', 'qty', 'executed_at as executedAt');
  return rows.map((row) => ({ ...row, symbol }));
}

/** Until nothing is left. */
export async function advanceAll(knex: Knex, hours: MarketHours = 'always'): Promise<void> {
  while ((await advanceTape(knex, hours)).trades > 0);
}

const MINUTE = 60_000;
const DAY = 86_400_000;

/** When the span begins that a time is in; by the rules, and not as the product computes it. */
export function spanStart(time: Date, timeframe: string, hours: MarketHours): Date {
  const [, digits, unit] = /^(\d+)(\w+)$/.exec(timeframe)!;
  const count = Number(digits);
  const bin = (ms: number) => new Date(Math.floor(time.getTime() / ms) * ms);
  if (unit === 'Min' || unit === 'T') return bin(count * MINUTE);
  if (unit === 'Hour' || unit === 'H') return bin(count * 60 * MINUTE);
  const date = hours === 'nyse' ? newYorkDay(time) : bin(DAY);
  const begin = (day: Date) => (hours === 'nyse' ? newYorkMidnight(day) : day);
  if (unit === 'Day' || unit === 'D') return begin(date);
  if (unit === 'Week' || unit === 'W') {
    return begin(new Date(date.getTime() - ((date.getUTCDay() + 6) % 7) * DAY));
  }
  const month = date.getUTCMonth() - (date.getUTCMonth() % count);
  return begin(new Date(Date.UTC(date.getUTCFullYear(), month, 1)));
}

/** The bars of trades, by time. */
export function barsOf(
  trades: readonly WrittenTrade[],
  timeframe: string,
  hours: MarketHours = 'always',
): Bar[] {
  const spans = new Map<number, WrittenTrade[]>();
  for (const trade of trades) {
    const start = spanStart(trade.executedAt, timeframe, hours).getTime();
    spans.set(start, [...(spans.get(start) ?? []), trade]);
  }
  return [...spans]
    .sort(([a], [b]) => a - b)
    .map(([start, within]) => {
      const prices = within.map(({ price }) => price);
      const byPrice = [...prices].sort((a, b) => (a < b ? -1 : 1));
      return {
        startsAt: new Date(start),
        open: prices[0]!,
        high: byPrice.at(-1)!,
        low: byPrice[0]!,
        close: prices.at(-1)!,
        volume: within.reduce((sum, { qty }) => sum + qty, 0n),
        value: within.reduce((sum, { price, qty }) => sum + tradeValue(price, qty), 0n),
        trades: within.length,
      };
    });
}
