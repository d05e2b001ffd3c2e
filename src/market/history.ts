import type { Knex } from 'knex';
import { marketDay, tradingDayBefore, tradingDays, type TradingDay } from '../domain/calendar.js';
import type { MarketHours } from '../domain/clock.js';
import { tradeValue } from '../domain/money.js';
import { readPrices, type AssetPrice } from '../assets/prices.js';
import type { Bar } from './bars-model.js';
import { dayZone, hoursOf, midnightOf } from './market-days.js';
import { normal, seededRandom, type Random } from './random-walk.js';
import type { KeptTimeframe } from './tape.js';

/** Made-up bars by timeframe, each from the latest to the earliest. */
export type History = Record<KeptTimeframe, Bar[]>;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_DAYS = 365;
/** Of so many trading days before today there are hours; the days are added up from them. */
const FINE_DAYS = 5;
const CENT = 100n;
/** How far a bar reaches beyond its open and close, in standard deviations of its change. */
const REACH = 0.5;
/** What changes hands in a minute, in 10^-4 USD: so many shares of one, few coins of the other. */
const MINUTE_VALUE = 200_000_000;

/** How one kind of bar moves. */
interface Motion {
  /** The standard deviation of its change. */
  readonly move: number;
  /** For what is traded in it. */
  readonly minutes: number;
}
const MINUTE: Motion = { move: 0.0004, minutes: 1 };
const HOUR: Motion = { move: 0.003, minutes: 60 };
const DAY: Motion = { move: 0.014, minutes: 390 };

const QTY_LOT = 1_000_000n; // 10^-3 units
const QTY_ONE = 1_000_000_000n;

/**
 * Makes up what an asset cost within the last year, backwards from what it costs now: minutes of the
 * last day, hours of the last five, days before. The same for the same asset and time. This is
 * simulation, as the random walk is: no money is computed with it.
 */
export function makeHistory(
  asset: Pick<AssetPrice, 'symbol' | 'class' | 'price'>,
  marketHours: MarketHours,
  now: Date,
): History {
  const hours = hoursOf(asset.class, marketHours);
  const zone = dayZone(asset.class, marketHours);
  const random = seededRandom(seedOf(asset.symbol));
  const today = marketDay(now, hours);
  const year = tradingDays(new Date(today.getTime() - YEAR_DAYS * DAY_MS), today, hours);
  const fineSince = tradingDayBefore(today, hours, FINE_DAYS).day;
  const dayStart = ({ day }: TradingDay): Date => midnightOf(day, zone);

  const fine = year.filter(({ day }) => day >= fineSince);
  const coarse = year.filter(({ day }) => day < fineSince);
  const minuteStarts = startsWithin(fine, MINUTE_MS, now);
  const minutesSince =
    hours === 'always'
      ? floorTo(new Date(now.getTime() - DAY_MS), HOUR_MS)
      : dayStart(fine.findLast(({ open }) => open < now)!);

  const recent = minuteStarts.filter((start) => start >= minutesSince);
  const minutes = walk(recent, asset.price, MINUTE, random);
  const older = startsWithin(fine, HOUR_MS, now).filter((start) => start < minutesSince);
  const earlierHours = walk(older, minutes.at(-1)?.open ?? asset.price, HOUR, random);
  const hourBars = [
    ...addUp(minutes, ({ startsAt }) => floorTo(startsAt, HOUR_MS)),
    ...earlierHours,
  ];
  const fineStarts = fine.map(dayStart);
  const dayOf = (bar: Bar): Date =>
    fineStarts.findLast((start) => start <= bar.startsAt) ?? bar.startsAt;
  const earlierDays = coarse.map(dayStart).reverse();
  const days = walk(earlierDays, hourBars.at(-1)?.open ?? asset.price, DAY, random);
  return { '1Min': minutes, '1Hour': hourBars, '1Day': [...addUp(hourBars, dayOf), ...days] };
}

/** Any number that is the symbol's. */
const seedOf = (symbol: string): number =>
  Buffer.from(symbol).reduce((seed, byte) => (seed * 31 + byte) % 2 ** 31, 7);

const floorTo = (time: Date, ms: number): Date => new Date(Math.floor(time.getTime() / ms) * ms);

/** The minutes or hours of the days' sessions that have begun and, if minutes, are over; latest first. */
function startsWithin(days: readonly TradingDay[], ms: number, now: Date): Date[] {
  const starts: Date[] = [];
  for (const { open, close } of days) {
    const end = Math.min(close.getTime(), floorTo(now, MINUTE_MS).getTime());
    for (let at = floorTo(open, ms).getTime(); at < end; at += ms) starts.push(new Date(at));
  }
  return starts.reverse();
}

/** Bars backwards from a price, latest first. */
function walk(
  starts: readonly Date[],
  price: bigint,
  { move, minutes }: Motion,
  random: Random,
): Bar[] {
  let close = price;
  return starts.map((startsAt): Bar => {
    const open = changed(close, normal(random) * move);
    const [lower, upper] = open < close ? [open, close] : [close, open];
    const high = changed(upper, Math.abs(normal(random)) * move * REACH);
    const low = changed(lower, -Math.abs(normal(random)) * move * REACH);
    const worth = BigInt(Math.round(MINUTE_VALUE * minutes * (0.2 + 1.6 * random())));
    const lots = (worth * QTY_ONE) / close / QTY_LOT;
    const volume = (lots > 0n ? lots : 1n) * QTY_LOT;
    const value = tradeValue((open + close + high + low) / 4n, volume);
    const trades = Math.round(minutes * (1 + 20 * random()));
    const bar = { startsAt, open, high, low, close, volume, value, trades };
    close = open;
    return bar;
  });
}

/** In whole cents, and at least one. */
function changed(price: bigint, by: number): bigint {
  const cents = BigInt(Math.round((Number(price) * (1 + by)) / Number(CENT)));
  return (cents > 0n ? cents : 1n) * CENT;
}

/** Adds bars up. @param bars latest first, as the result is */
function addUp(bars: readonly Bar[], startOf: (bar: Bar) => Date): Bar[] {
  const sums: Bar[] = [];
  for (const bar of bars) {
    const startsAt = startOf(bar);
    const later = sums.at(-1);
    if (later?.startsAt.getTime() !== startsAt.getTime()) sums.push({ ...bar, startsAt });
    else sums[sums.length - 1] = { ...joined(bar, later), startsAt };
  }
  return sums;
}

const joined = (bar: Bar, later: Bar): Omit<Bar, 'startsAt'> => ({
  open: bar.open,
  high: bar.high > later.high ? bar.high : later.high,
  low: bar.low < later.low ? bar.low : later.low,
  close: later.close,
  volume: bar.volume + later.volume,
  value: bar.value + later.value,
  trades: bar.trades + later.trades,
});

/**
 * Gives every asset that has no bars at all a made-up past, so that a demo has something to show. It
 * has no trade numbers: where trades come, their bars take its place.
 */
export async function seedHistory(knex: Knex, marketHours: MarketHours, now: Date): Promise<void> {
  const { rows } = await knex.raw<{ rows: { id: string }[] }>(
    `select id from assets a where not exists (select from market_bars b where b.asset_id = a.id)`,
  );
  const without = new Set(rows.map(({ id }) => id));
  const assets = (await readPrices(knex)).filter(({ id }) => without.has(id));
  for (const asset of assets)
    await insertBars(knex, asset.id, makeHistory(asset, marketHours, now));
}

async function insertBars(knex: Knex, assetId: string, history: History): Promise<void> {
  const rows = Object.entries(history).flatMap(([timeframe, bars]) =>
    bars.map((bar) => ({ timeframe, ...bar })),
  );
  await knex.raw(
    `insert into market_bars (asset_id, timeframe, starts_at, open, high, low, close, volume, value,
       trades)
     select :assetId::uuid, u.* from unnest(:timeframes::text[], :startsAt::timestamptz[],
       :open::bigint[], :high::bigint[], :low::bigint[], :close::bigint[], :volume::bigint[],
       :value::bigint[], :trades::int[]) as u
     on conflict do nothing`,
    {
      assetId,
      timeframes: rows.map(({ timeframe }) => timeframe),
      startsAt: rows.map(({ startsAt }) => startsAt.toISOString()),
      open: rows.map(({ open }) => String(open)),
      high: rows.map(({ high }) => String(high)),
      low: rows.map(({ low }) => String(low)),
      close: rows.map(({ close }) => String(close)),
      volume: rows.map(({ volume }) => String(volume)),
      value: rows.map(({ value }) => String(value)),
      trades: rows.map(({ trades }) => trades),
    },
  );
}
