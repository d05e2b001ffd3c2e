import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { AssetCatalog, TradableAsset } from '../assets/catalog.js';
import type { Database } from '../db.js';
import { bookDifference, type ShownBook } from '../domain/book-diff.js';
import type { MarketHours } from '../domain/clock.js';
import { readBooks, type Book } from './book.js';
import { presentOrderbook } from './book-presenter.js';
import {
  ASK_CHANNEL,
  CHANGES_CHANNEL,
  FEED_CHANNEL,
  FEED_DEPTH,
  HEARTBEAT_MS,
  LISTENED_MS,
  WHOLE_BOOKS,
  type FeedBatch,
  type FeedKind,
  type FeedMessage,
} from './feed.js';
import { barMessage, bookMessage, quoteMessage, tradeMessage } from './feed-messages.js';
import { MinuteBars } from './minute-bars.js';
import { NewTrades, type TapeTrade } from './new-trades.js';
import { advanceTape } from './tape.js';

export interface MarketPublisherDeps {
  readonly db: Database;
  readonly catalog: Pick<AssetCatalog, 'all' | 'find'>;
  /** Publishes. */
  readonly redis: Redis;
  /** Of the publisher's own, as a connection that subscribes can do nothing else: it closes it. */
  readonly hints: Redis;
  readonly marketHours: MarketHours;
}

/** Changes that come within this time share a round. */
const GATHER_MS = 15;
/** Under load rounds are fewer and larger, which costs everybody less. */
const BUSY_TRADES = 5;
const BUSY_GATHER_MS = 25;
/** After such a pause somebody else may have published: the lines begin anew. */
const RENEW_MS = 3 * HEARTBEAT_MS;
const MICROSECONDS = 1_000;

/** What clients were told last about an asset. */
interface Shown {
  readonly book: ShownBook;
  /** The best levels, as text. */
  readonly top: string;
}

/**
 * Tells all API processes what happens in the market: round after round the trades that are new, and how
 * the books have changed. Only one process does so at a time. The hints of whoever settles say which
 * assets to look at; each second all are looked at, hint or not, so that a lost hint delays and never
 * loses. While no API process has anybody who listens, nothing is read for them: each second the bars
 * are added up, and a sign of life is all that is told.
 */
export class MarketPublisher {
  private readonly changed = new Set<string>();
  private readonly minutes = new MinuteBars();
  private readonly newTrades: NewTrades;
  private shown = new Map<string, Shown>();
  private lines = new Map<string, number>();
  private firstSeq = 0;
  private roundAt = 0;
  private lookedAtAll = 0;
  /** Somebody listens until then, for all we know. */
  private listenedUntil = 0;
  private isWholeAsked = false;
  private isBusy = false;
  private hasMoreBars = false;
  private wake: () => void = () => undefined;

  constructor(private readonly deps: MarketPublisherDeps) {
    this.newTrades = new NewTrades(deps.db);
  }

  /** Listens for hints; does not wait for Redis. */
  start(): void {
    const { hints } = this.deps;
    hints.on('message', (channel: string, message: string) => {
      if (channel === ASK_CHANNEL) this.onListened(message === WHOLE_BOOKS);
      else if (this.isListened) this.onChanged(message);
    });
    hints.subscribe(CHANGES_CHANNEL, ASK_CHANNEL).catch(() => undefined); // sent when it connects
  }

  stop(): void {
    this.deps.hints.disconnect();
  }

  private get isListened(): boolean {
    return Date.now() < this.listenedUntil;
  }

  private onListened(needsWholeBooks: boolean): void {
    if (needsWholeBooks || !this.isListened) this.isWholeAsked = true;
    this.listenedUntil = Date.now() + LISTENED_MS;
    if (this.isWholeAsked) this.wake();
  }

  private onChanged(message: string): void {
    for (const id of idsOf(message)) this.changed.add(id);
    this.wake();
  }

  /**
   * Waits for something to tell, a second at most, and tells it.
   * @returns whether the bars have every trade now
   */
  async step(signal: AbortSignal): Promise<boolean> {
    await this.hint(signal);
    await sleep(this.isBusy ? BUSY_GATHER_MS : GATHER_MS);
    const asOf = new Date();
    if (asOf.getTime() - this.roundAt > RENEW_MS) this.renew(asOf);
    await this.round(asOf);
    this.roundAt = Date.now();
    return !this.hasMoreBars;
  }

  private async hint(signal: AbortSignal): Promise<void> {
    if (this.changed.size > 0 || this.isWholeAsked || this.hasMoreBars || signal.aborted) return;
    const { hints } = this.deps;
    if (hints.status === 'ready') hints.ping().catch(() => undefined); // shows a half-open one
    const waiting = new AbortController();
    this.wake = () => waiting.abort();
    const either = AbortSignal.any([signal, waiting.signal]);
    const untilLookMs = Math.max(0, this.lookedAtAll + HEARTBEAT_MS - Date.now());
    await sleep(untilLookMs, undefined, { signal: either }).catch(() => undefined);
    this.wake = () => undefined;
  }

  /** Who listens will say so; until then somebody may. */
  private renew(asOf: Date): void {
    this.firstSeq = asOf.getTime() * MICROSECONDS;
    this.lines = new Map();
    this.forget();
    this.lookedAtAll = 0;
    this.listenedUntil = asOf.getTime() + LISTENED_MS;
  }

  private forget(): void {
    this.shown = new Map();
    this.changed.clear();
    this.newTrades.forget();
  }

  private async round(asOf: Date): Promise<void> {
    const looksAtAll = this.isWholeAsked || asOf.getTime() - this.lookedAtAll >= HEARTBEAT_MS;
    if (looksAtAll) this.lookedAtAll = asOf.getTime();
    if (!this.isListened) this.forget();
    const messages = this.isListened ? await this.changes(asOf, looksAtAll) : [];
    if (looksAtAll || this.hasMoreBars) messages.push(...(await this.bars(asOf)));
    const { redis } = this.deps;
    if (redis.status !== 'ready' || (messages.length === 0 && !looksAtAll)) return;
    const batch: FeedBatch = { messages };
    // What nobody hears leaves a gap in the numbers, after which they ask.
    await redis.publish(FEED_CHANNEL, JSON.stringify(batch)).catch(() => undefined);
  }

  /** The new trades, and what has changed in the books. */
  private async changes(asOf: Date, looksAtAll: boolean): Promise<FeedMessage[]> {
    const { db, catalog } = this.deps;
    const isWhole = this.isWholeAsked;
    this.isWholeAsked = false;
    const assets = looksAtAll
      ? catalog.all()
      : [...this.changed].flatMap((id) => catalog.find(id) ?? []);
    this.changed.clear();
    const ids = assets.map(({ id }) => id);
    const [{ trades, unfinished }, books] = await Promise.all([
      this.newTrades.read(ids),
      readBooks(db, ids, FEED_DEPTH),
    ]);
    for (const id of unfinished) this.changed.add(id);
    this.isBusy = trades.length >= BUSY_TRADES;
    return [
      ...this.trades(trades),
      ...assets.flatMap((asset, index) => this.book(asset, books[index]!, asOf, isWhole)),
    ];
  }

  private nextSeq(kind: FeedKind, symbol: string): number {
    const line = `${kind} ${symbol}`;
    const seq = (this.lines.get(line) ?? this.firstSeq) + 1;
    this.lines.set(line, seq);
    return seq;
  }

  private trades(trades: readonly TapeTrade[]): FeedMessage[] {
    return trades.flatMap((trade) => {
      const asset = this.deps.catalog.find(trade.assetId);
      return asset ? [tradeMessage(asset, trade, this.nextSeq('t', asset.symbol))] : [];
    });
  }

  /** What is new about a book and its best levels; all of it to whoever has asked. */
  private book(asset: TradableAsset, book: Book, asOf: Date, isWhole: boolean): FeedMessage[] {
    const { symbol } = asset;
    const before = this.shown.get(asset.id);
    const { b, a } = presentOrderbook(book, asOf);
    const now: Shown = { book: { b, a }, top: JSON.stringify([b[0], a[0]]) };
    this.shown.set(asset.id, now);
    const line = (kind: FeedKind) => ({ seq: this.nextSeq(kind, symbol), stale: false });
    const messages: FeedMessage[] = [];
    if (!before || isWhole) {
      messages.push(bookMessage(symbol, now.book, asOf, { ...line('o'), r: true }));
    } else {
      const difference = bookDifference(before.book, now.book);
      if (difference.b.length + difference.a.length === 0) return [];
      messages.push(bookMessage(symbol, difference, asOf, line('o')));
    }
    if (!before || isWhole || before.top !== now.top) {
      messages.push(quoteMessage(asset, book, asOf, line('q')));
    }
    return messages;
  }

  /** Adds the trades up; @returns the bars that are to be told */
  private async bars(asOf: Date): Promise<FeedMessage[]> {
    const { db, marketHours } = this.deps;
    const tape = await advanceTape(db.knex, marketHours);
    this.hasMoreBars = tape.hasMore;
    const due = await this.minutes.due(db.knex, tape, asOf);
    return due.flatMap(({ kind, bar }) => {
      const symbol = this.deps.catalog.find(bar.assetId)?.symbol;
      return symbol === undefined
        ? []
        : [barMessage(kind, symbol, bar, this.nextSeq(kind, symbol))];
    });
  }
}

/** The assets that a hint names; none when it is not one of ours. */
function idsOf(message: string): string[] {
  try {
    const ids: unknown = JSON.parse(message);
    return Array.isArray(ids) ? (ids as string[]) : [];
  } catch {
    return [];
  }
}
