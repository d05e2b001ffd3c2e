import type { AssetCatalog } from '../assets/catalog.js';
import { DomainError } from '../errors.js';
import type { UpgradeHandler } from '../http/upgrade.js';
import type { Logger } from '../log.js';
import type { AssetClass } from '../market/market-days.js';
import { Conversation, type Speaker } from './conversation.js';
import { POLICY, type Ending } from './ending.js';
import { kindOfFrame, readFrame, type FrameKind } from './frames.js';
import { MarketFrame } from './market-frame.js';
import type { MarketHub } from './market-hub.js';
import {
  CHANNEL_NAMES,
  CHANNELS,
  FEED_ERRORS,
  FeedError,
  parseMarketMessage,
  type FeedErrorCode,
} from './market-messages.js';
import {
  MarketSubscriber,
  type MarketSink,
  type MarketSubscriberLimits,
} from './market-subscriber.js';
import { shownName, topicsOf } from './market-topics.js';
import type { OpenStreams } from './open-streams.js';
import type { StreamCredentials } from './stream-messages.js';
import { webSocketHandler, type Accepted, type WebSocketDeps } from './websocket.js';

export interface MarketConnectionDeps {
  readonly hub: MarketHub;
  readonly streams: OpenStreams;
  readonly catalog: Pick<AssetCatalog, 'find'>;
  readonly log: Logger;
  readonly limits: MarketSubscriberLimits;
}

/** The handler of a market data stream. @param feed whose data it has */
export const marketHandler = (
  deps: WebSocketDeps & MarketConnectionDeps,
  feed: AssetClass,
): UpgradeHandler =>
  webSocketHandler(deps, (accepted) => {
    new MarketConnection(accepted, deps, feed);
  });

/** One WebSocket that speaks the protocol of Alpaca's market data: every message is an array. */
class MarketConnection implements MarketSink, Speaker {
  private kind: FrameKind;
  private readonly subscriber: MarketSubscriber;
  private readonly conversation: Conversation;

  constructor(
    private readonly accepted: Accepted,
    private readonly deps: MarketConnectionDeps,
    private readonly feed: AssetClass,
  ) {
    const { socket, stream } = accepted;
    this.kind = accepted.kind ?? 'text';
    this.subscriber = new MarketSubscriber(deps.hub, this, deps.limits);
    const { authenticateWithinMs } = deps.streams.limits;
    this.conversation = new Conversation(socket, stream, this, authenticateWithinMs);
    this.send({ T: 'success', msg: 'connected' });
    if (stream.owner) this.send({ T: 'success', msg: 'authenticated' });
  }

  /** Of `MarketSink`. */
  get backlogBytes(): number {
    return this.accepted.socket.bufferedAmount;
  }

  /** Of `MarketSink`. */
  write(frame: MarketFrame): void {
    const { socket } = this.accepted;
    if (socket.readyState !== socket.OPEN) return;
    socket.send(frame.forSocket(this.kind), { binary: this.kind !== 'text' });
  }

  /** Of `MarketSink`. */
  end(ending: Ending): void {
    this.accepted.stream.end(ending);
  }

  /** Of `Speaker`. */
  async answer(data: Buffer, isBinary: boolean): Promise<void> {
    const kind = kindOfFrame(data, isBinary);
    if (kind === 'msgpack') this.kind = kind; // whoever writes it reads it
    const parsed = parseMarketMessage(readFrame(data, kind));
    const { owner } = this.accepted.stream;
    if (parsed.action === 'auth') return this.authenticate(parsed.credentials);
    if (!owner) throw new FeedError(401);
    const topics = topicsOf(this.deps.catalog, parsed.wanted, this.feed);
    if (parsed.action === 'snapshot') return this.subscriber.sendBooks(topics);
    if (parsed.action === 'unsubscribe') this.subscriber.unsubscribe(topics);
    else if (!this.subscriber.subscribe(topics)) throw new FeedError(405);
    this.sendSubscription();
    if (parsed.action === 'subscribe') this.subscriber.sendBooks(topics);
  }

  private async authenticate(credentials: StreamCredentials): Promise<void> {
    const { stream, verify } = this.accepted;
    if (stream.owner) throw new FeedError(403);
    try {
      this.deps.streams.identify(stream, await verify(credentials));
      this.send({ T: 'success', msg: 'authenticated' });
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      if (error.kind === 'rate_limited') this.refuse(406);
      else if (error.kind === 'forbidden') this.refuse(409);
      else this.refuse(error.kind === 'unauthenticated' ? 402 : 500);
    }
  }

  private sendSubscription(): void {
    const lists = CHANNEL_NAMES.map(
      (channel) => [channel, this.subscriber.names(CHANNELS[channel]).map(shownName)] as const,
    );
    this.send({ T: 'subscription', ...Object.fromEntries(lists) });
  }

  /** Of `Speaker`. */
  answerFault(error: unknown): void {
    const isMalformed = error instanceof DomainError && error.kind === 'malformed';
    const known = isMalformed ? new FeedError(400, error.message) : error;
    if (known instanceof FeedError) {
      this.send({ T: 'error', code: known.feedCode, msg: known.message });
    } else {
      this.deps.log.error('a message of a market data stream failed', { error });
      this.send({ T: 'error', code: 500, msg: FEED_ERRORS[500] });
    }
  }

  /** Of `Speaker`. */
  refuseUnknown(): void {
    this.refuse(404);
  }

  /** Of `Speaker`. */
  sayGoodbye({ kind, closeCode, message }: Ending): void {
    if (kind === 'slow') this.send({ T: 'error', code: 407, msg: FEED_ERRORS[407] });
    this.conversation.close(closeCode, message);
  }

  /** Of `Speaker`. */
  stopSending(): void {
    this.subscriber.close();
  }

  /** Says no for good. */
  private refuse(code: FeedErrorCode): void {
    this.send({ T: 'error', code, msg: FEED_ERRORS[code] });
    this.conversation.close(POLICY, FEED_ERRORS[code]);
  }

  private send(message: object): void {
    this.write(MarketFrame.of([message]));
  }
}
