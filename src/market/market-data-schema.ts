import Joi from 'joi';
import { calendarDate, dateText } from '../http/calendar-date.js';
import { among, listParameter } from '../http/list-parameter.js';
import { invalid } from '../errors.js';
import { marketDay } from '../domain/calendar.js';
import type { MarketHours } from '../domain/clock.js';
import { dayZone, hoursOf, midnightOf, type AssetClass } from './market-days.js';

/** What the requests and answers of market data have in common (Alpaca's Market Data API). */

const SYMBOLS_MAX = 500;
const SYMBOL = /^[A-Z][A-Z0-9.]{0,9}(\/?[A-Z]{3,5})?$/;
const FEEDS = ['sip', 'iex', 'delayed_sip', 'boats', 'overnight', 'otc'];
const ADJUSTMENTS = ['raw', 'split', 'dividend', 'spin-off', 'all'];

/** A moment, or a whole day: midnight UTC of its date. */
export type Moment = { readonly at: Date } | { readonly day: Date };

const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)$/;

/** Becomes a Moment. */
const moment = Joi.string()
  .max(40)
  .custom((text: string, { message }): Moment | Joi.ErrorReport => {
    if (DATE.test(text)) {
      const day = new Date(`${text}T00:00:00Z`);
      if (!Number.isNaN(day.getTime()) && dateText(day) === text) return { day };
    }
    const at = new Date(text);
    if (TIME.test(text) && !Number.isNaN(at.getTime())) return { at };
    return message({
      custom:
        '{#label} must be a time such as 2026-11-23T15:00:00Z or a date such as 2026-11-23; it is "{#value}"',
    });
  });

export const symbolList = listParameter({
  maxLength: 10_000,
  each: (symbol) => symbol.toUpperCase(),
  fault: (symbols) =>
    symbols.length <= SYMBOLS_MAX && symbols.every((symbol) => SYMBOL.test(symbol))
      ? undefined
      : `must be 1 to ${SYMBOLS_MAX} symbols, separated by commas`,
})
  .required()
  .description('Such as AAPL,MSFT or BTC/USD; of those that are not traded here there is nothing');

const symbol = Joi.string()
  .uppercase()
  .pattern(SYMBOL)
  .messages({ 'string.pattern.base': '{#label} must be a symbol such as AAPL; it is "{#value}"' });

export const symbolParamsSchema = Joi.object({ symbol: symbol.required() });

/** Understood and checked; there is one feed, and prices as they were. */
export const feedParameters = {
  feed: Joi.string()
    .valid(...FEEDS)
    .description('All are the same here: the trades of this house'),
  currency: Joi.string().uppercase().valid('USD'),
};

/** What stands there now, of one stock, of several, and of pairs of crypto. */
export const stockQuerySchema = Joi.object(feedParameters);
export const stocksQuerySchema = Joi.object({ symbols: symbolList, ...feedParameters });
export const cryptoQuerySchema = Joi.object({ symbols: symbolList });

export interface SymbolsQuery {
  readonly symbols: string[];
}

/** Understood and checked: there are no splits, dividends or changes of name. */
export const adjustmentParameters = {
  adjustment: listParameter({ maxLength: 100, fault: among(ADJUSTMENTS) }).description(
    `Of ${ADJUSTMENTS.join(', ')}; there is nothing to adjust for`,
  ),
};

export const asofParameter = {
  asof: Joi.alternatives(Joi.valid('-'), calendarDate).description('No symbol has ever changed'),
};

/** From when to when, and page by page. */
export const historyParameters = {
  start: moment.description(
    'Included; a time (RFC 3339) or a date, which is midnight where the market has its days. The ' +
      'beginning of today when absent',
  ),
  end: moment.description('Included; a time or a date, as start. Now when absent'),
  limit: Joi.number()
    .integer()
    .min(1)
    .max(10_000)
    .default(1_000)
    .description('Of all symbols together'),
  page_token: Joi.string().max(200).description("The last answer's next_page_token"),
  sort: Joi.string().valid('asc', 'desc').default('asc').description('By time, within each symbol'),
};

export interface HistoryQuery {
  readonly start?: Moment;
  readonly end?: Moment;
  readonly limit: number;
  readonly page_token?: string;
  readonly sort: 'asc' | 'desc';
}

/** The times that a query means, for one class of assets. @throws DomainError 422 */
export function timesOf(
  { start, end }: Pick<HistoryQuery, 'start' | 'end'>,
  assetClass: AssetClass,
  marketHours: MarketHours,
  now: Date,
): { start: Date; end: Date } {
  const zone = dayZone(assetClass, marketHours);
  const timeOf = (one: Moment): Date => ('at' in one ? one.at : midnightOf(one.day, zone));
  const today = midnightOf(marketDay(now, hoursOf(assetClass, marketHours)), zone);
  const times = { start: start ? timeOf(start) : today, end: end ? timeOf(end) : now };
  if (start && times.start > times.end) {
    const [from, until] = [times.start.toISOString(), times.end.toISOString()];
    throw invalid(`start (${from}) must not be after end (${until})`, {
      errors: [{ field: 'start', message: 'must not be after end' }],
    });
  }
  return times;
}

export const nextDataPageToken = Joi.string()
  .allow(null)
  .description('The page_token of the next page; null on the last');

/** By symbol. */
export const bySymbol = (schema: Joi.Schema): Joi.ObjectSchema =>
  Joi.object().pattern(Joi.string(), schema);

/** The tag of market data in the document. */
export const MARKET_DATA_TAG = 'Market data';
/** What public operations refuse beyond a bad query. */
export const PUBLIC_PROBLEMS = [429, 503];
