import type { ShownBook } from '../domain/book-diff.js';

/** On which the market data of all assets come to the API processes. */
export const FEED_CHANNEL = 'brokerx:market:feed';
/**
 * On which an API process says that somebody listens to it: again each second, and with `WHOLE_BOOKS`
 * when it needs the books as they are in place of differences.
 */
export const ASK_CHANNEL = 'brokerx:market:ask';
export const WHOLE_BOOKS = 'books';
/** On which the publisher hears of changed books; a message is a JSON array of asset ids. */
export const CHANGES_CHANNEL = 'brokerx:market:changes';

/** So many levels a side of a book are published. */
export const FEED_DEPTH = 50;
/** A sign of the publisher comes so often at least; so does one of a process with listeners. */
export const HEARTBEAT_MS = 1_000;
/** Nobody listens any more when nobody has said so for this long. */
export const LISTENED_MS = 3 * HEARTBEAT_MS;

/**
 * Trades, quotes, bars (of a minute that is over, corrected, of the day) and order books, by the
 * letters of Alpaca's protocol.
 */
export type FeedKind = 't' | 'q' | 'b' | 'u' | 'd' | 'o';

/** One message as clients get it, in Alpaca's format with our `seq` and `stale`. */
export interface FeedMessage {
  readonly T: FeedKind;
  readonly S: string;
  /** When it happened. */
  readonly t: string;
  /**
   * Counts the messages of this kind and symbol. It begins with the time at which its publisher
   * began, in microseconds: after a change of publishers nobody takes one line for the other.
   */
  readonly seq: number;
  readonly stale: boolean;
}

/** A whole book with `r`, or else what has changed since the message before. */
export type BookMessage = FeedMessage & ShownBook & { readonly r?: true };

/** What the publisher sends on the channel: nothing in it is a heartbeat. */
export interface FeedBatch {
  readonly messages: readonly FeedMessage[];
}

export const isBookMessage = (message: FeedMessage): message is BookMessage => message.T === 'o';
