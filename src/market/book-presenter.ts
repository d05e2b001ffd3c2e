import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import { priceNumber, qtyNumber } from './bars-presenter.js';
import type { Book, BookLevel } from './book.js';
import { venueOf } from './trades-presenter.js';

const presentLevel = ({ price, size, orders }: BookLevel) => ({
  price: formatDecimal(price, PRICE_SCALE),
  size: formatDecimal(size, QTY_SCALE),
  orders,
});

/** A book in our own format: exact decimals as text. */
export const presentBook = (symbol: string, { bids, asks }: Book, asOf: Date) => ({
  symbol,
  as_of: asOf.toISOString(),
  bids: bids.map(presentLevel),
  asks: asks.map(presentLevel),
});

const presentOrderbookLevel = ({ price, size }: BookLevel) => ({
  p: priceNumber(price),
  s: qtyNumber(size),
});

/** A book in the format of Alpaca's market data. */
export const presentOrderbook = ({ bids, asks }: Book, asOf: Date) => ({
  t: asOf.toISOString(),
  b: bids.map(presentOrderbookLevel),
  a: asks.map(presentOrderbookLevel),
});

/** The best bid and ask; zeros on a side where nothing rests, as Alpaca has it. */
export const presentCryptoQuote = ({ bids: [bid], asks: [ask] }: Book, asOf: Date) => ({
  t: asOf.toISOString(),
  bp: priceNumber(bid?.price ?? 0n),
  bs: qtyNumber(bid?.size ?? 0n),
  ap: priceNumber(ask?.price ?? 0n),
  as: qtyNumber(ask?.size ?? 0n),
});

/** As if it were quoted on the exchange that lists the stock. */
export const presentStockQuote = (book: Book, exchange: string, asOf: Date) => {
  const { x, z } = venueOf(exchange);
  return { ...presentCryptoQuote(book, asOf), ax: x, bx: x, c: ['R'], z };
};
