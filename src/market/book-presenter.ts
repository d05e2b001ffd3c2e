import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { Book, BookLevel } from './book.js';

/** The one exchange there is goes by the code of the feed that its clients know. */
export const EXCHANGE = 'V';

/** As market data has them: JSON numbers, the nearest to the exact decimals. */
export const priceNumber = (price: bigint): number => Number(formatDecimal(price, PRICE_SCALE));
export const sizeNumber = (size: bigint): number => Number(formatDecimal(size, QTY_SCALE));

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
  s: sizeNumber(size),
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
  bs: sizeNumber(bid?.size ?? 0n),
  ap: priceNumber(ask?.price ?? 0n),
  as: sizeNumber(ask?.size ?? 0n),
});

const TAPES: Readonly<Record<string, string>> = { NYSE: 'A', NASDAQ: 'C' };

/** Which of the three tapes reports the stocks of an exchange. */
export const tapeOf = (exchange: string): string => TAPES[exchange] ?? 'B';

export const presentStockQuote = (book: Book, exchange: string, asOf: Date) => ({
  ...presentCryptoQuote(book, asOf),
  ax: EXCHANGE,
  bx: EXCHANGE,
  c: ['R'],
  z: tapeOf(exchange),
});
