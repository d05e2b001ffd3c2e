import type { Ending } from './ending.js';
import type { LoggedEvent } from './logged-event.js';

/** Who gets the events of a subscription. */
export interface Consumer {
  /**
   * Takes what comes next: always in order, each event once.
   * @returns false to get no more until it calls `resume`: what it has is not sent yet
   */
  receive(events: readonly LoggedEvent[]): boolean;
  /** The subscription has ended, and why. */
  end(ending: Ending): void;
}

/** What a subscription needs of the hub. */
export interface Reader {
  read(subscription: Subscription): void;
  add(subscription: Subscription): void;
  remove(subscription: Subscription): void;
}

/**
 * One client's place in an account's log. What the client has not got yet stays in Postgres: a slow
 * one costs no memory, and history and live events come by the same way, so there is no seam.
 */
export class Subscription {
  /** It has been at the log's end before: from then on an event is news. */
  isLive = false;
  /** When it asked for a pause, in ms; null while it takes events. */
  pausedAt: number | null = null;
  private isOpen = false;

  constructor(
    readonly accountId: string,
    /** The last event that it got. */
    public cursor: bigint,
    readonly consumer: Consumer,
    private readonly reader: Reader,
  ) {}

  /** Events come from now on. */
  start(): void {
    this.isOpen = true;
    this.reader.add(this);
    this.reader.read(this);
  }

  /** Asks for what comes next after a pause. */
  resume(): void {
    if (this.pausedAt === null) return;
    this.pausedAt = null;
    if (this.isOpen) this.reader.read(this);
  }

  /** No event comes any more. */
  close(): void {
    this.isOpen = false;
    this.reader.remove(this);
  }

  /** Ends it from our side and tells the consumer. */
  end(ending: Ending): void {
    this.close();
    this.consumer.end(ending);
  }

  /** True when it may be handed events. */
  get isReading(): boolean {
    return this.isOpen && this.pausedAt === null;
  }

  /**
   * Hands on a page that was read from its cursor.
   * @param isLast the page ended where the log did
   */
  advance(events: readonly LoggedEvent[], isLast: boolean): void {
    if (!this.isReading) return;
    const last = events.at(-1);
    if (last) {
      this.cursor = last.id;
      if (!this.consumer.receive(events)) this.pausedAt = Date.now();
    }
    if (isLast) this.isLive = true;
    else this.reader.read(this); // unless it is paused by now
  }
}
