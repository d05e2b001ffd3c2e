import type { Redis } from 'ioredis';
import type { AssetCatalog, TradableAsset } from '../assets/catalog.js';
import type { Database } from '../db.js';
import { applyDifference } from '../domain/book-diff.js';
import type { Logger } from '../log.js';
import { readBooks } from '../market/book.js';
import { presentOrderbook } from '../market/book-presenter.js';
import {
  ASK_CHANNEL,
  FEED_CHANNEL,
  FEED_DEPTH,
  HEARTBEAT_MS,
  isBookMessage,
  WHOLE_BOOKS,
  type BookMessage,
  type FeedBatch,
  type FeedKind,
  type FeedMessage,
} from '../market/feed.js';
import { bookMessage, quoteMessage } from '../market/feed-messages.js';
import type { AssetClass } from '../market/market-days.js';
import { marketDataLag, publisherHeardAt } from '../market/metrics.js';
import { MarketFrame } from './market-frame.js';

export interface MarketHubLimits {
  /** Without a sign of the publisher for so long the data are stale. */
  readonly staleAfterMs: number;
  /** So often clients get the books from Postgres then. */
  readonly degradedEveryMs: number;
}

export const MARKET_HUB_LIMITS: MarketHubLimits = { staleAfterMs: 3_000, degradedEveryMs: 5_000 };

export interface MarketHubDeps {
  readonly db: Pick<Database, 'run'>;
  readonly catalog: Pick<AssetCatalog, 'all' | 'find'>;
  /** Asks the publisher for whole books. */
  readonly redis: Redis;
  /** Of its own: a connection that subscribes can do nothing else. */
  readonly subscriber: Redis;
  readonly log: Logger;
  readonly limits?: Partial<MarketHubLimits> | undefined;
}

/** Who gets market data of this process. */
export interface MarketListener {
  /** Must neither wait nor throw. */
  receive(frame: MarketFrame): void;
}

/** What can be listened to: one symbol's messages of a kind, or those of all of a class. */
export interface Topic {
  readonly kind: FeedKind;
  readonly name: string;
}

/** All stocks, or all pairs. */
export const everySymbol = (kind: AssetClass): string => `* ${kind}`;

const classOf = (symbol: string): AssetClass => (symbol.includes('/') ? 'crypto' : 'us_equity');
const keyOf = ({ kind, name }: Topic): string => `${kind} ${name}`;

/**
 * Hands the market data of the publisher to everybody in this process who listens. It keeps each book
 * as it is now, so that whoever comes later or was too slow begins with a whole one. When it has missed
 * something it asks the publisher for whole books, which its listeners get as well. It tells the publisher
 * each second that somebody listens, or else there is nothing to hear but that it is there.
 */
export class MarketHub {
  /** Nothing was heard of the publisher for a while. */
  isStale = false;
  private readonly limits: MarketHubLimits;
  private readonly listeners = new Map<string, Set<MarketListener>>();
  private readonly books = new Map<string, BookMessage>();
  private readonly quotes = new Map<string, FeedMessage>();
  private timer: NodeJS.Timeout | undefined;
  private heardAt = Date.now();
  private degradedAt = 0;
  private isAsking = false;
  private isStopped = false;

  constructor(private readonly deps: MarketHubDeps) {
    this.limits = { ...MARKET_HUB_LIMITS, ...deps.limits };
  }

  /** Listens to the publisher. Does not wait for Redis. */
  start(): void {
    const { subscriber } = this.deps;
    subscriber.on('message', (_channel: string, message: string) => this.onBatch(message));
    subscriber.on('ready', () => this.ask()); // whatever was published meanwhile is missed
    subscriber.subscribe(FEED_CHANNEL).then(
      () => this.ask(),
      () => undefined, // kept, and sent when it connects
    );
    publisherHeardAt.set(this.heardAt / 1_000); // from now on it should be heard
    this.timer = setInterval(() => void this.tend(), HEARTBEAT_MS);
    this.timer.unref();
  }

  stop(): void {
    this.isStopped = true;
    clearInterval(this.timer);
    this.deps.subscriber.disconnect();
  }

  add(topic: Topic, listener: MarketListener): void {
    if (this.listeners.size === 0) this.begin();
    const key = keyOf(topic);
    const listeners = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, listeners.add(listener));
    if (this.isStale) this.degradedAt = 0; // its first book comes with the next look
  }

  remove(topic: Topic, listener: MarketListener): void {
    const key = keyOf(topic);
    const listeners = this.listeners.get(key);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.listeners.delete(key);
  }

  /** The whole books and the last quotes of these topics, as far as they are known. */
  latest(topics: readonly Topic[]): FeedMessage[] {
    return topics.flatMap((topic): FeedMessage[] => {
      const kept = { o: this.books, q: this.quotes }[topic.kind as string];
      return kept ? namesOf(topic, kept.keys()).flatMap((name) => kept.get(name) ?? []) : [];
    });
  }

  /** Says whether the publisher is heard. */
  state(): MarketFrame {
    return MarketFrame.of([{ T: 'feed', stale: this.isStale, t: new Date().toISOString() }]);
  }

  /** The first listener: what was kept is old, as the publisher may have told nothing meanwhile. */
  private begin(): void {
    this.books.clear();
    this.quotes.clear();
    this.isAsking = true;
    this.sayListening();
  }

  /** Asks for whole books. */
  private ask(): void {
    this.isAsking = true;
    if (this.listeners.size > 0) this.sayListening();
  }

  /** Again and again: neither the word nor, when books are asked for, the answer is sure to arrive. */
  private sayListening(): void {
    const { redis } = this.deps;
    if (redis.status !== 'ready') return;
    redis.publish(ASK_CHANNEL, this.isAsking ? WHOLE_BOOKS : '').catch(() => undefined);
  }

  private onBatch(text: string): void {
    const messages = messagesOf(text);
    this.heardAt = Date.now();
    publisherHeardAt.set(this.heardAt / 1_000);
    if (this.isStale) this.tellStale(false);
    if (this.listeners.size === 0) return;
    if (messages.some((message) => isBookMessage(message) && message.r)) this.isAsking = false;
    const missed = messages.filter((message) => !this.keep(message));
    this.deliver(messages.filter((message) => !missed.includes(message)));
    for (const { T, t } of messages) {
      if (T === 't') marketDataLag.observe((Date.now() - Date.parse(t)) / 1_000);
    }
    if (missed.length > 0) this.ask();
  }

  /** @returns false for a difference to a book that is not known */
  private keep(message: FeedMessage): boolean {
    const { T, S, seq } = message;
    if (T === 'q') this.quotes.set(S, message);
    if (!isBookMessage(message)) return true;
    const known = this.books.get(S);
    if (message.r) this.books.set(S, message);
    else if (known?.seq === seq - 1) {
      this.books.set(S, { ...known, ...applyDifference(known, message), t: message.t, seq });
    } else {
      this.books.delete(S);
      return false;
    }
    return true;
  }

  /** Everybody gets what concerns them in one frame; who gets the same shares it. */
  private deliver(messages: readonly FeedMessage[]): void {
    const wanted = new Map<MarketListener, number[]>();
    for (const [index, { T: kind, S }] of messages.entries()) {
      for (const name of [S, everySymbol(classOf(S))]) {
        for (const listener of this.listeners.get(keyOf({ kind, name })) ?? []) {
          const indexes = wanted.get(listener);
          if (!indexes) wanted.set(listener, [index]);
          else if (indexes.at(-1) !== index) indexes.push(index);
        }
      }
    }
    const texts: string[] = [];
    const frames = new Map<string, MarketFrame>();
    for (const [listener, indexes] of wanted) {
      const key = indexes.join();
      let frame = frames.get(key);
      if (!frame) {
        frame = new MarketFrame(indexes.map((at) => (texts[at] ??= JSON.stringify(messages[at]))));
        frames.set(key, frame);
      }
      listener.receive(frame);
    }
  }

  /** Once a second: is the publisher still there? */
  private async tend(): Promise<void> {
    const { subscriber } = this.deps;
    if (subscriber.status === 'ready') subscriber.ping().catch(() => undefined); // shows a half-open one
    const now = Date.now();
    if (this.listeners.size > 0) this.sayListening();
    if (now - this.heardAt < this.limits.staleAfterMs) return;
    if (!this.isStale) this.tellStale(true);
    if (now - this.degradedAt < this.limits.degradedEveryMs) return;
    this.degradedAt = now;
    try {
      await this.degrade();
    } catch (error) {
      if (!this.isStopped) {
        const { message } = error as Error;
        this.deps.log.warn('stale books could not be read', { error: message });
      }
    }
  }

  private tellStale(isStale: boolean): void {
    this.isStale = isStale;
    this.degradedAt = 0;
    this.books.clear(); // so that a whole book is what comes next
    this.quotes.clear();
    if (!isStale) this.ask();
    const frame = this.state();
    const everybody = new Set([...this.listeners.values()].flatMap((some) => [...some]));
    for (const listener of everybody) listener.receive(frame);
  }

  /** The books that somebody listens to, from Postgres: what the publisher would have told. */
  private async degrade(): Promise<void> {
    const { db, catalog } = this.deps;
    const assets = catalog.all().filter(({ symbol }) => this.hasListener(symbol));
    if (assets.length === 0) return;
    const asOf = new Date();
    const books = await readBooks(
      db,
      assets.map(({ id }) => id),
      FEED_DEPTH,
    );
    if (!this.isStale) return; // it came back meanwhile
    const more = { seq: 0, stale: true };
    const messages = assets.flatMap((asset: TradableAsset, index) => [
      bookMessage(asset.symbol, presentOrderbook(books[index]!, asOf), asOf, { ...more, r: true }),
      quoteMessage(asset, books[index]!, asOf, more),
    ]);
    this.deliver(messages);
  }

  private hasListener(symbol: string): boolean {
    const names = [symbol, everySymbol(classOf(symbol))];
    return (['o', 'q'] as const).some((kind) =>
      names.some((name) => this.listeners.has(keyOf({ kind, name }))),
    );
  }
}

/** The symbols that a topic is about, of those there are. */
const namesOf = ({ name }: Topic, symbols: Iterable<string>): string[] =>
  name.startsWith('*')
    ? [...symbols].filter((symbol) => everySymbol(classOf(symbol)) === name)
    : [name];

/** What a batch tells; nothing when it is not one of ours. */
function messagesOf(text: string): readonly FeedMessage[] {
  try {
    const { messages } = JSON.parse(text) as Partial<FeedBatch>;
    return messages ?? [];
  } catch {
    return [];
  }
}
