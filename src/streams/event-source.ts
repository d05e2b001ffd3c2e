import { Readable } from 'node:stream';
import { streamEventsSent } from '../metrics.js';
import type { Ending } from './ending.js';
import type { LoggedEvent } from './logged-event.js';
import type { OpenStream } from './open-streams.js';
import type { Consumer, Subscription } from './subscription.js';

const HEARTBEAT_MS = 15_000;
/** How soon a browser connects again. */
const RETRY_MS = 2_000;
/** Events that wait in memory; further ones wait in the log. */
const BUFFERED_MAX_BYTES = 65_536;
/** How long a client may take to read what is on its way when we end the stream. */
const END_WITHIN_MS = 5_000;

/** A timer can wait so long at most: 24 days. */
const TIMER_MAX_MS = 2 ** 31 - 1;

const sent = streamEventsSent.labels('sse');

/** What a stream tells its client, and how. */
export interface EventFormat {
  readonly wants: (event: LoggedEvent) => boolean;
  readonly write: (event: LoggedEvent) => string;
  /** What is sent last when we end the stream; null to cut it off where it is. */
  readonly writeEnding: (ending: Ending) => string | null;
}

/** Every event, with its type as that of the message. */
export const ALL_EVENTS: EventFormat = {
  wants: () => true,
  write: ({ id, type, json }) => `id: ${id}\nevent: ${type}\ndata: ${json}\n\n`,
  writeEnding: ({ kind, closeCode, message }) =>
    kind === 'stopping'
      ? ''
      : `event: stream_error\ndata: ${JSON.stringify({ code: closeCode, message })}\n\n`,
};

/** The body of one `text/event-stream`, by the rules of the HTML standard. */
export class EventSourceBody extends Readable implements Consumer {
  private subscription: Subscription | null = null;
  private readonly heartbeat: NodeJS.Timeout;
  private ending: NodeJS.Timeout | undefined;
  private hasEnded = false;

  /** @param untilId the last event to send, or null for no end */
  constructor(
    private readonly stream: OpenStream,
    private readonly untilId: bigint | null,
    private readonly format: EventFormat,
  ) {
    super({ highWaterMark: BUFFERED_MAX_BYTES });
    stream.onEnd = (ending) => this.finish(ending);
    this.push(`retry: ${RETRY_MS}\n\n`); // the head of the answer leaves with it
    this.heartbeat = setInterval(() => {
      if (this.readableLength === 0) this.push(': still here\n\n');
    }, HEARTBEAT_MS);
    this.heartbeat.unref();
  }

  /** Begins to send what the subscription brings. */
  follow(subscription: Subscription): void {
    this.subscription = subscription;
    subscription.start();
  }

  /** Ends it in good order when that time has come, in ms. */
  completeAt(time: number): void {
    const delayMs = time - Date.now();
    if (this.hasEnded || delayMs > TIMER_MAX_MS) return;
    this.ending = setTimeout(() => this.complete(), delayMs);
    this.ending.unref();
  }

  /** Of `Consumer`. */
  receive(events: readonly LoggedEvent[]): boolean {
    const { untilId, format } = this;
    const inReach = untilId === null ? events : events.filter(({ id }) => id <= untilId);
    const wanted = inReach.filter(format.wants);
    sent.inc(wanted.length);
    const hasRoom = wanted.length === 0 || this.push(wanted.map(format.write).join(''));
    if (untilId !== null && events.at(-1)!.id >= untilId) this.complete();
    return hasRoom;
  }

  /** Of `Consumer`. */
  end(ending: Ending): void {
    this.stream.end(ending);
  }

  /** Everything that was waiting is sent: asks for more. */
  override _read(): void {
    this.subscription?.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    clearInterval(this.heartbeat);
    clearTimeout(this.ending);
    this.hasEnded = true;
    this.subscription?.close();
    callback(error);
  }

  /** Tells the client why; a browser connects again by itself, with its Last-Event-ID. */
  private finish(ending: Ending): void {
    if (this.hasEnded) return;
    const last = this.format.writeEnding(ending);
    if (last === null) {
      this.destroy();
      return;
    }
    if (last !== '') this.push(last);
    this.complete();
    setTimeout(() => this.destroy(), END_WITHIN_MS).unref();
  }

  /** Ends it in good order after what was sent. */
  complete(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    clearInterval(this.heartbeat);
    clearTimeout(this.ending);
    this.subscription?.close();
    this.push(null);
  }
}
