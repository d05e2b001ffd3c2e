import { streamEventsSent } from '../metrics.js';
import type { Ending } from './ending.js';
import type { EventHub } from './event-hub.js';
import type { LoggedEvent } from './logged-event.js';
import type { StreamOwner } from './open-streams.js';
import type { Consumer, Subscription } from './subscription.js';

/** What a client can listen to on `/stream`. */
export type FeedName = 'trade_updates' | 'notifications';

/** Whose log a feed follows, and what of it is sent. */
interface FeedKind {
  readonly logOf: (owner: StreamOwner) => string;
  readonly wants: (event: LoggedEvent) => boolean;
  /** What a client calls the last line that it has. */
  readonly sinceField: string;
}

const KINDS: Readonly<Record<FeedName, FeedKind>> = {
  trade_updates: {
    logOf: ({ accountId }) => accountId,
    wants: ({ isAboutOrder }) => isAboutOrder,
    sinceField: 'since_id',
  },
  /** Ours: no SDK of Alpaca's asks for it, so none is sent what it does not know. */
  notifications: {
    logOf: ({ clientId }) => clientId,
    wants: () => true,
    sinceField: 'notifications_since_id',
  },
};

/** What a feed writes to. */
export interface FeedConnection {
  /** @param onSent called when the last frame has left; not when the connection broke */
  sendAll(frames: readonly Buffer[], onSent: () => void): void;
  /** Whether the socket can take more. */
  hasRoom(): boolean;
  end(ending: Ending): void;
}

const sent = streamEventsSent.labels('websocket');

/** One of the streams that a connection listens to: a place in a log. Each waits for itself. */
export class Feed implements Consumer {
  private subscription: Subscription | null = null;

  constructor(
    readonly name: FeedName,
    private readonly hub: EventHub,
    private readonly connection: FeedConnection,
  ) {}

  get isOpen(): boolean {
    return this.subscription !== null;
  }

  /**
   * Prepares it; nothing comes before the subscription is started.
   * @param sinceId the last line that the client has, or null for what happens from now on
   * @throws DomainError 422 when the log has not come that far
   */
  async prepare(owner: StreamOwner, sinceId: bigint | null): Promise<Subscription> {
    const { logOf, sinceField } = KINDS[this.name];
    return await this.hub.subscribe(logOf(owner), sinceId, this, sinceField);
  }

  /** Goes on with another subscription, or with none. */
  follow(next: Subscription | null): void {
    this.subscription?.close();
    this.subscription = next;
  }

  /** Sends nothing more. May be called more than once. */
  close(): void {
    this.subscription?.close();
  }

  /** Of `Consumer`. */
  receive(events: readonly LoggedEvent[]): boolean {
    const wanted = events.filter(KINDS[this.name].wants);
    if (wanted.length === 0) return true;
    const frames = wanted.map((event) => event.frameOn(this.name));
    this.connection.sendAll(frames, () => this.subscription?.resume());
    sent.inc(wanted.length);
    return this.connection.hasRoom();
  }

  /** Of `Consumer`. */
  end(ending: Ending): void {
    this.connection.end(ending);
  }
}
