import type { FeedKind } from '../market/feed.js';
import type { Ending } from './ending.js';
import { MarketFrame } from './market-frame.js';
import type { MarketHub, MarketListener, Topic } from './market-hub.js';

export interface MarketSubscriberLimits {
  /** With more than this waiting to be sent a client gets nothing. */
  readonly backlogMaxBytes: number;
  /** So often at most a slow client gets what is new. */
  readonly conflateEveryMs: number;
  /** A client that takes nothing for so long is dropped. */
  readonly stalledMs: number;
  /** Topics of one stream. */
  readonly topicsMax: number;
}

export const MARKET_SUBSCRIBER_LIMITS: MarketSubscriberLimits = {
  backlogMaxBytes: 262_144,
  conflateEveryMs: 1_000,
  stalledMs: 10_000,
  topicsMax: 200,
};

/** What a subscriber writes to. */
export interface MarketSink {
  readonly backlogBytes: number;
  write(frame: MarketFrame): void;
  /** Closes the connection. */
  end(ending: Ending): void;
}

const TOO_SLOW: Ending = {
  kind: 'slow',
  closeCode: 1013, // try again later
  message: 'slow client: the data could not be sent in time',
};

/**
 * One client's subscriptions. While its network does not keep up it gets nothing; then the whole books
 * and last quotes as they are, at most once a second. So it costs the same memory however slow it is.
 */
export class MarketSubscriber implements MarketListener {
  private readonly topics = new Map<string, Topic>();
  /** Since when it skips, in ms; null while it gets everything. */
  private skipsSince: number | null = null;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly hub: MarketHub,
    private readonly sink: MarketSink,
    private readonly limits: MarketSubscriberLimits,
  ) {}

  /** @returns false, and changes nothing, when there would be too many */
  subscribe(topics: readonly Topic[]): boolean {
    const added = topics.filter((topic) => !this.topics.has(textOf(topic)));
    if (this.topics.size + added.length > this.limits.topicsMax) return false;
    for (const topic of added) {
      this.topics.set(textOf(topic), topic);
      this.hub.add(topic, this);
    }
    return true;
  }

  unsubscribe(topics: readonly Topic[]): void {
    for (const topic of topics) {
      if (this.topics.delete(textOf(topic))) this.hub.remove(topic, this);
    }
  }

  /** The names that it has subscribed to. */
  names(kind: FeedKind): string[] {
    return [...this.topics.values()].filter((topic) => topic.kind === kind).map(({ name }) => name);
  }

  /** Sends the whole books of those topics that are about books, or says that there are none now. */
  sendBooks(topics: readonly Topic[]): void {
    if (this.hub.isStale) this.receive(this.hub.state());
    const books = this.hub.latest(topics.filter(({ kind }) => kind === 'o'));
    if (books.length > 0) this.receive(MarketFrame.of(books));
  }

  /** Of `MarketListener`. */
  receive(frame: MarketFrame): void {
    if (this.skipsSince !== null) return;
    if (this.sink.backlogBytes <= this.limits.backlogMaxBytes) this.sink.write(frame);
    else this.skip(Date.now());
  }

  close(): void {
    clearTimeout(this.timer);
    this.unsubscribe([...this.topics.values()]);
  }

  private skip(since: number): void {
    this.skipsSince = since;
    this.timer = setTimeout(() => this.catchUp(since), this.limits.conflateEveryMs);
    this.timer.unref();
  }

  private catchUp(since: number): void {
    const { backlogMaxBytes, stalledMs } = this.limits;
    if (this.sink.backlogBytes > backlogMaxBytes) {
      if (Date.now() - since >= stalledMs) this.sink.end(TOO_SLOW);
      else this.skip(since);
      return;
    }
    this.skipsSince = null;
    const latest = this.hub.latest([...this.topics.values()]);
    if (latest.length > 0) this.sink.write(MarketFrame.of(latest));
  }
}

const textOf = ({ kind, name }: Topic): string => `${kind} ${name}`;
