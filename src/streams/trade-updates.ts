import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { unauthenticated } from '../errors.js';
import { toProblem } from '../http/problem.js';
import type { Principal } from '../identity/principal.js';
import type { Logger } from '../log.js';
import { streamEventsSent } from '../metrics.js';
import { closeReason, POLICY, refusal, TRY_AGAIN_LATER, type Ending } from './ending.js';
import type { EventHub } from './event-hub.js';
import { kindOfFrame, readFrame, writeFrame, type FrameKind } from './frames.js';
import type { LoggedEvent } from './logged-event.js';
import { MessageLimit } from './message-limit.js';
import type { OpenStream, OpenStreams } from './open-streams.js';
import { parseStreamMessage, type StreamCredentials } from './stream-messages.js';
import type { Consumer, Subscription } from './subscription.js';

export interface TradeUpdatesDeps {
  readonly hub: EventHub;
  readonly streams: OpenStreams;
  readonly log: Logger;
  /** Recognises a caller as HTTP does. @throws DomainError 401, 403, 429 */
  readonly verify: (credentials: StreamCredentials) => Promise<Principal>;
}

const TRADE_UPDATES = 'trade_updates';
/** A client with more than this waiting in its socket gets nothing until that is sent. */
const BUFFERED_MAX_BYTES = 65_536;
const MESSAGES_PER_MINUTE = 120;

const sent = streamEventsSent.labels('websocket');

/** One WebSocket that speaks the protocol of Alpaca's `/stream`. */
export class TradeUpdatesConnection implements Consumer {
  /** Null until the first message tells. */
  private kind: FrameKind | null;
  private subscription: Subscription | null = null;
  /** Messages are answered one after the other. */
  private handled: Promise<void> = Promise.resolve();
  private readonly messageLimit = new MessageLimit(MESSAGES_PER_MINUTE);
  private readonly authenticateBy: NodeJS.Timeout;

  /**
   * @param network what the WebSocket writes to
   * @param stream  has its owner already when the handshake had credentials
   * @param kind    what the handshake asked for, or null when the first message decides
   */
  constructor(
    private readonly socket: WebSocket,
    private readonly network: Duplex,
    private readonly stream: OpenStream,
    private readonly deps: TradeUpdatesDeps,
    kind: FrameKind | null,
  ) {
    this.kind = kind;
    stream.onEnd = (ending) => this.close(ending);
    this.authenticateBy = setTimeout(() => {
      if (!stream.owner) stream.end(refusal('No valid credentials came in time'));
    }, deps.streams.limits.authenticateWithinMs);
    this.authenticateBy.unref();
    socket.on('message', (data: Buffer, isBinary) => this.onMessage(data, isBinary));
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      clearTimeout(this.authenticateBy);
      this.subscription?.close();
    });
  }

  /** Of `Consumer`. */
  receive(events: readonly LoggedEvent[]): boolean {
    const updates = events.filter(({ isAboutOrder }) => isAboutOrder);
    this.network.cork(); // one write for the page: it is the costliest part of sending
    for (const [index, update] of updates.entries()) {
      const isLast = index === updates.length - 1;
      this.sendFrame(update.tradeUpdate, isLast ? () => this.subscription?.resume() : undefined);
    }
    this.network.uncork();
    sent.inc(updates.length);
    return updates.length === 0 || this.socket.bufferedAmount < BUFFERED_MAX_BYTES;
  }

  /** Of `Consumer`. */
  end(ending: Ending): void {
    this.stream.end(ending);
  }

  private onMessage(data: Buffer, isBinary: boolean): void {
    this.kind ??= kindOfFrame(data, isBinary);
    if (!this.messageLimit.count()) {
      this.stream.end(refusal(`More than ${MESSAGES_PER_MINUTE} messages in a minute`));
      return;
    }
    this.socket.pause(); // what follows waits in the network, not in our memory
    this.handled = this.handled
      .then(() => this.handle(readFrame(data, kindOfFrame(data, isBinary))))
      .catch((error: unknown) => this.sendProblem(error))
      .then(() => this.socket.resume());
  }

  private async handle(message: object): Promise<void> {
    const parsed = parseStreamMessage(message);
    if (parsed.action === 'listen') await this.listen(parsed.streams, parsed.sinceId);
    else await this.authenticate(parsed.credentials);
  }

  private async authenticate(credentials: StreamCredentials): Promise<void> {
    const { owner } = this.stream;
    try {
      if (!owner) this.deps.streams.identify(this.stream, await this.deps.verify(credentials));
      else if (Object.keys(credentials).length > 0) {
        const { accountId } = await this.deps.verify(credentials);
        if (accountId !== owner.accountId) {
          throw unauthenticated('This connection belongs to another account');
        }
      }
      this.sendAuthorization('authorized', 'authenticate');
    } catch (error) {
      this.refuse(error);
    }
  }

  /** Says no in the way that lets SDKs give up on wrong keys, and only on those. */
  private refuse(error: unknown): void {
    const { status, detail } = toProblem(error);
    if (status === 500) this.deps.log.error('a stream could not be authenticated', { error });
    if (status === 401 || status === 403) {
      this.sendAuthorization('unauthorized', 'authenticate', detail);
      this.closeSocket(POLICY, detail);
    } else this.stream.end(refusal(detail, status === 429 ? POLICY : TRY_AGAIN_LATER));
  }

  private async listen(streams: readonly string[], sinceId: bigint | null): Promise<void> {
    const { owner } = this.stream;
    if (!owner) {
      this.sendAuthorization('unauthorized', 'listen');
      return;
    }
    const wanted = streams.includes(TRADE_UPDATES);
    let next: Subscription | null = null;
    // Who listens already goes on without a gap, unless it asks for another place.
    if (wanted && (sinceId !== null || !this.subscription)) {
      next = await this.deps.hub.subscribe(owner.accountId, sinceId, this);
    }
    if (next || !wanted) {
      this.subscription?.close();
      this.subscription = next;
    }
    this.send({ stream: 'listening', data: { streams: wanted ? [TRADE_UPDATES] : [] } });
    if (this.socket.readyState === this.socket.OPEN) next?.start(); // after its acknowledgement
  }

  private sendAuthorization(status: string, action: string, message?: string): void {
    const data = { status, action, ...(message !== undefined && { message }) };
    this.send({ stream: 'authorization', data });
  }

  /** `error` is where SDK 3 looks, `action` and `error_message` where SDK 4 does. */
  private sendProblem(error: unknown): void {
    const { status, code, detail } = toProblem(error);
    if (status === 500) this.deps.log.error('a stream message failed', { error });
    this.send({
      stream: 'error',
      action: 'error',
      data: { error: detail, error_message: detail, code },
    });
  }

  private send(message: object): void {
    this.sendFrame(Buffer.from(JSON.stringify(message)));
  }

  private sendFrame(json: Buffer, onSent?: () => void): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    const kind = this.kind ?? 'text';
    this.socket.send(writeFrame(json, kind), { binary: kind !== 'text' }, (error) => {
      if (!error) onSent?.();
    });
  }

  private close({ closeCode, message }: Ending): void {
    this.send({
      stream: 'error',
      action: 'error',
      data: { error: message, error_message: message, code: closeCode },
    });
    this.closeSocket(closeCode, message);
  }

  /** `ws` cuts the connection when the client does not answer in time. */
  private closeSocket(code: number, reason: string): void {
    this.subscription?.close();
    this.socket.resume(); // or the client's answer would not be read
    this.socket.close(code, closeReason(reason));
  }
}
