import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { unauthenticated } from '../errors.js';
import { toProblem } from '../http/problem.js';
import type { Principal } from '../identity/principal.js';
import type { Logger } from '../log.js';
import { Conversation, type Speaker } from './conversation.js';
import { POLICY, refusal, TRY_AGAIN_LATER, type Ending } from './ending.js';
import type { EventHub } from './event-hub.js';
import { Feed, type FeedConnection } from './feed.js';
import { kindOfFrame, readFrame, writeFrame, type FrameKind } from './frames.js';
import type { OpenStream, OpenStreams } from './open-streams.js';
import {
  parseStreamMessage,
  type StreamCredentials,
  type StreamMessage,
} from './stream-messages.js';
import type { Subscription } from './subscription.js';

export interface TradeUpdatesDeps {
  readonly hub: EventHub;
  /** Follows clients' messages. */
  readonly messages: EventHub;
  readonly streams: OpenStreams;
  readonly log: Logger;
  /** Recognises a caller as HTTP does. @throws DomainError 401, 403, 429 */
  readonly verify: (credentials: StreamCredentials) => Promise<Principal>;
}

/** A client with more than this waiting in its socket gets nothing until that is sent. */
const BUFFERED_MAX_BYTES = 65_536;

/** One WebSocket that speaks the protocol of Alpaca's `/stream`. */
export class TradeUpdatesConnection implements FeedConnection, Speaker {
  /** Null until the first message tells. */
  private kind: FrameKind | null;
  private readonly feeds: readonly Feed[];
  private readonly conversation: Conversation;

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
    this.feeds = [
      new Feed('trade_updates', deps.hub, this),
      new Feed('notifications', deps.messages, this),
    ];
    const { authenticateWithinMs } = deps.streams.limits;
    this.conversation = new Conversation(socket, stream, this, authenticateWithinMs);
  }

  /** Of `FeedConnection`. */
  sendAll(frames: readonly Buffer[], onSent: () => void): void {
    this.network.cork(); // one write for the page: it is the costliest part of sending
    for (const [index, frame] of frames.entries()) {
      this.sendFrame(frame, index === frames.length - 1 ? onSent : undefined);
    }
    this.network.uncork();
  }

  /** Of `FeedConnection`. */
  hasRoom(): boolean {
    return this.socket.bufferedAmount < BUFFERED_MAX_BYTES;
  }

  /** Of `FeedConnection`. */
  end(ending: Ending): void {
    this.stream.end(ending);
  }

  /** Of `Speaker`. */
  async answer(data: Buffer, isBinary: boolean): Promise<void> {
    const kind = kindOfFrame(data, isBinary);
    this.kind ??= kind;
    const parsed = parseStreamMessage(readFrame(data, kind));
    if (parsed.action === 'listen') await this.listen(parsed);
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
      this.conversation.close(POLICY, detail);
    } else this.stream.end(refusal(detail, status === 429 ? POLICY : TRY_AGAIN_LATER));
  }

  /** Takes effect as a whole, or (a place that no log has come to) not at all. */
  private async listen({ streams, since }: StreamMessage & { action: 'listen' }): Promise<void> {
    const { owner } = this.stream;
    if (!owner) {
      this.sendAuthorization('unauthorized', 'listen');
      return;
    }
    const wanted = this.feeds.filter(({ name }) => streams.includes(name));
    const prepared = new Map<Feed, Subscription>();
    for (const feed of wanted) {
      // Who listens already goes on without a gap, unless it asks for another place.
      if (feed.isOpen && since[feed.name] === null) continue;
      prepared.set(feed, await feed.prepare(owner, since[feed.name]));
    }
    for (const feed of this.feeds) {
      if (prepared.has(feed) || !wanted.includes(feed)) feed.follow(prepared.get(feed) ?? null);
    }
    this.send({ stream: 'listening', data: { streams: wanted.map(({ name }) => name) } });
    if (this.socket.readyState !== this.socket.OPEN) return;
    for (const subscription of prepared.values()) subscription.start(); // after its acknowledgement
  }

  private sendAuthorization(status: string, action: string, message?: string): void {
    const data = { status, action, ...(message !== undefined && { message }) };
    this.send({ stream: 'authorization', data });
  }

  /** Of `Speaker`. */
  answerFault(error: unknown): void {
    const { status, code, detail } = toProblem(error);
    if (status === 500) this.deps.log.error('a stream message failed', { error });
    this.sendError(detail, code);
  }

  /** Of `Speaker`. */
  refuseUnknown(): void {
    this.stream.end(refusal('No valid credentials came in time'));
  }

  /** Of `Speaker`. */
  sayGoodbye({ closeCode, message }: Ending): void {
    this.sendError(message, closeCode);
    this.conversation.close(closeCode, message);
  }

  /** Of `Speaker`. */
  stopSending(): void {
    for (const feed of this.feeds) feed.close();
  }

  /** `error` is where SDK 3 looks, `action` and `error_message` where SDK 4 does. */
  private sendError(message: string, code: number): void {
    const data = { error: message, error_message: message, code };
    this.send({ stream: 'error', action: 'error', data });
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
}
