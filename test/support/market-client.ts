import { once } from 'node:events';
import { WebSocket, type ClientOptions } from 'ws';
import { applyDifference, type ShownBook } from '../../src/domain/book-diff.js';
import type { ApiKeyCredentials } from '../../src/identity/new-api-key.js';
import { eventually } from './eventually.js';

/** A message of a market data stream, as a test looks into it. */
export type MarketMessage = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- as above

/** A client of market data that keeps what it gets, and the books as it understands them. */
export class MarketClient {
  readonly messages: MarketMessage[] = [];
  readonly books = new Map<string, ShownBook & { seq: number; stale: boolean }>();
  /** Differences that did not follow what was there. */
  gaps = 0;
  closed: { code: number } | null = null;

  private constructor(
    readonly socket: WebSocket,
    decode: (data: Buffer) => unknown,
  ) {
    socket.on('message', (data: Buffer) => {
      for (const message of decode(data) as MarketMessage[]) this.take(message);
    });
    socket.on('error', () => undefined);
    socket.on('close', (code) => (this.closed = { code }));
  }

  static async connect(
    url: string,
    path: string,
    options: ClientOptions = {},
    decode: (data: Buffer) => unknown = (data) => JSON.parse(data.toString()) as unknown,
  ): Promise<MarketClient> {
    const socket = new WebSocket(url.replace(/^http/, 'ws') + path, options);
    const client = new MarketClient(socket, decode);
    await once(socket, 'open');
    return client;
  }

  /** Connects with the key in the handshake, and subscribes. */
  static async subscribe(
    url: string,
    path: string,
    { key_id, secret_key }: ApiKeyCredentials,
    lists: object,
  ): Promise<MarketClient> {
    const headers = { 'APCA-API-KEY-ID': key_id, 'APCA-API-SECRET-KEY': secret_key };
    const client = await MarketClient.connect(url, path, { headers });
    client.send({ action: 'subscribe', ...lists });
    await client.has(({ T }) => T === 'subscription');
    return client;
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The first message that fits, once it is there. */
  async has(fits: (message: MarketMessage) => boolean, withinMs?: number): Promise<MarketMessage> {
    let found: MarketMessage | undefined;
    await eventually(() => {
      found = this.messages.find(fits);
      if (!found) throw new Error(`not among ${JSON.stringify(this.messages.slice(-5))}`);
      return Promise.resolve();
    }, withinMs);
    return found!;
  }

  /** Waits until it is closed. */
  async end(withinMs?: number): Promise<{ code: number }> {
    await eventually(() => {
      if (!this.closed) throw new Error('still open');
      return Promise.resolve();
    }, withinMs);
    return this.closed!;
  }

  close(): void {
    this.socket.terminate();
  }

  private take(message: MarketMessage): void {
    this.messages.push(message);
    if (message['T'] !== 'o') return;
    const { S, b, a, seq, stale, r } = message as ShownBook & {
      S: string;
      seq: number;
      stale: boolean;
      r?: true;
    };
    const known = this.books.get(S);
    if (r) this.books.set(S, { b, a, seq, stale });
    else if (known?.seq === seq - 1) {
      this.books.set(S, { ...applyDifference(known, { b, a }), seq, stale });
    } else this.gaps += 1;
  }
}
