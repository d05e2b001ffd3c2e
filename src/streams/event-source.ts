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

const sent = streamEventsSent.labels('sse');

/** The body of one `text/event-stream`, by the rules of the HTML standard. */
export class EventSourceBody extends Readable implements Consumer {
  private subscription: Subscription | null = null;
  private readonly heartbeat: NodeJS.Timeout;
  private hasEnded = false;

  /** @param untilId the last event to send, or null for no end */
  constructor(
    private readonly stream: OpenStream,
    private readonly untilId: bigint | null,
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

  /** Of `Consumer`. */
  receive(events: readonly LoggedEvent[]): boolean {
    const { untilId } = this;
    const wanted = untilId === null ? events : events.filter(({ id }) => id <= untilId);
    sent.inc(wanted.length);
    const hasRoom = this.push(wanted.map(messageOf).join(''));
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
    this.hasEnded = true;
    this.subscription?.close();
    callback(error);
  }

  /** Tells the client why; a browser connects again by itself, with its Last-Event-ID. */
  private finish({ kind, closeCode, message }: Ending): void {
    if (this.hasEnded) return;
    const data = JSON.stringify({ code: closeCode, message });
    if (kind !== 'stopping') this.push(`event: stream_error\ndata: ${data}\n\n`);
    this.complete();
    setTimeout(() => this.destroy(), END_WITHIN_MS).unref();
  }

  private complete(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    clearInterval(this.heartbeat);
    this.subscription?.close();
    this.push(null);
  }
}

const messageOf = ({ id, type, json }: LoggedEvent): string =>
  `id: ${id}\nevent: ${type}\ndata: ${json}\n\n`;
