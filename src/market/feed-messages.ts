import type { TradableAsset } from '../assets/catalog.js';
import type { ShownBook } from '../domain/book-diff.js';
import { presentBar } from './bars-presenter.js';
import type { Book } from './book.js';
import { presentCryptoQuote, presentStockQuote } from './book-presenter.js';
import type { FeedMessage } from './feed.js';
import type { TapeTrade } from './new-trades.js';
import type { TapeBar } from './tape.js';
import { presentCryptoTrade, presentStockTrade } from './trades-presenter.js';

/** An asset as the feed names it. */
export type FeedAsset = Pick<TradableAsset, 'symbol' | 'class' | 'exchange'>;

export const tradeMessage = (asset: FeedAsset, trade: TapeTrade, seq: number) => ({
  T: 't' as const,
  S: asset.symbol,
  ...(asset.class === 'crypto' ? presentCryptoTrade(trade) : presentStockTrade(trade, asset)),
  seq,
  stale: false,
});

/** The best bid and ask of a book. */
export const quoteMessage = (
  asset: FeedAsset,
  book: Book,
  asOf: Date,
  { seq, stale }: Pick<FeedMessage, 'seq' | 'stale'>,
) => ({
  T: 'q' as const,
  S: asset.symbol,
  ...(asset.class === 'crypto'
    ? presentCryptoQuote(book, asOf)
    : presentStockQuote(book, asset.exchange, asOf)),
  seq,
  stale,
});

/** A whole book, or a difference. */
export const bookMessage = (
  symbol: string,
  { b, a }: ShownBook,
  asOf: Date,
  more: Pick<FeedMessage, 'seq' | 'stale'> & { readonly r?: true },
) => ({ T: 'o' as const, S: symbol, t: asOf.toISOString(), b, a, ...more });

/** A bar of a minute or a day. */
export const barMessage = (kind: 'b' | 'u' | 'd', symbol: string, bar: TapeBar, seq: number) => ({
  T: kind,
  S: symbol,
  ...presentBar(bar),
  seq,
  stale: false,
});
