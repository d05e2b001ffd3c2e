import { Readable, type Writable } from 'node:stream';
import type { Ending } from './ending.js';
import type { MarketFrame } from './market-frame.js';
import type { MarketSink, MarketSubscriber } from './market-subscriber.js';
import type { OpenStream } from './open-streams.js';

const HEARTBEAT_MS = 15_000;
/** How soon a browser connects again. */
const RETRY_MS = 2_000;
/** How long a client may take to read what is on its way when we end the stream. */
const END_WITHIN_MS = 5_000;

/** The body of one `text/event-stream` of market data. */
export class MarketEventSource extends Readable implements MarketSink {
  private readonly heartbeat: NodeJS.Timeout;
  private ending: NodeJS.Timeout | undefined;
  private subscriber: MarketSubscriber | undefined;
  private hasEnded = false;

  /** @param network what it is piped to */
  constructor(
    private readonly stream: OpenStream,
    private readonly network: Writable,
  ) {
    super();
    stream.onEnd = (ending) => this.finish(ending);
    this.push(`retry: ${RETRY_MS}\n\n`); // the head of the answer leaves with it
    this.heartbeat = setInterval(() => this.push(': still here\n\n'), HEARTBEAT_MS);
    this.heartbeat.unref();
  }

  /** Ends its subscriptions when it ends. */
  belongTo(subscriber: MarketSubscriber): void {
    this.subscriber = subscriber;
  }

  /** Ends it in good order after so long. */
  completeAfter(ms: number): void {
    this.ending = setTimeout(() => this.complete(), ms);
  }

  /** Of `MarketSink`. */
  get backlogBytes(): number {
    return this.readableLength + this.network.writableLength;
  }

  /** Of `MarketSink`. */
  write(frame: MarketFrame): void {
    if (!this.hasEnded) this.push(frame.forEventSource());
  }

  /** Of `MarketSink`. */
  end(ending: Ending): void {
    this.stream.end(ending);
  }

  /** What comes is pushed when it comes. */
  override _read(): void {
    return;
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.release();
    callback(error);
  }

  /** Ends it in good order after what was sent. */
  complete(): void {
    if (this.hasEnded) return;
    this.release();
    this.push(null);
  }

  private finish({ closeCode: code, message, kind }: Ending): void {
    if (this.hasEnded) return;
    if (kind !== 'stopping') {
      this.push(`event: stream_error\ndata: ${JSON.stringify({ code, message })}\n\n`);
    }
    this.complete();
    setTimeout(() => this.destroy(), END_WITHIN_MS).unref();
  }

  private release(): void {
    this.hasEnded = true;
    clearInterval(this.heartbeat);
    clearTimeout(this.ending);
    this.subscriber?.close();
  }
}
