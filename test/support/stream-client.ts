import { once } from 'node:events';
import { WebSocket, type ClientOptions } from 'ws';
import type { ApiKeyCredentials } from '../../src/identity/new-api-key.js';
import { eventually } from './eventually.js';

/** A message of `/stream`, as a test looks into it. */
export interface StreamMessage {
  stream: string;
  data: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- a test looks into it freely
}

/** Streams that bring lines of a log; others answer what was sent. */
const FEEDS: readonly string[] = ['trade_updates', 'notifications'];

/** A client of `/stream` that keeps what it gets. */
export class StreamClient {
  readonly messages: StreamMessage[] = [];
  /** Whether each message came in a binary frame. */
  readonly binary: boolean[] = [];
  closed: { code: number; reason: string } | null = null;

  private constructor(
    readonly socket: WebSocket,
    decode: (data: Buffer) => unknown,
  ) {
    socket.on('message', (data: Buffer, isBinary) => {
      this.messages.push(decode(data) as StreamMessage);
      this.binary.push(isBinary);
    });
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
  }

  /** @param url the API's, `http://...` */
  static async connect(
    url: string,
    options: ClientOptions = {},
    decode: (data: Buffer) => unknown = (data) => JSON.parse(data.toString()) as unknown,
    path = '/stream',
  ): Promise<StreamClient> {
    const socket = new WebSocket(url.replace(/^http/, 'ws') + path, options);
    const client = new StreamClient(socket, decode);
    await once(socket, 'open');
    return client;
  }

  /** Connects, authenticates and listens. */
  static async listen(
    url: string,
    key: ApiKeyCredentials,
    data: object = {},
  ): Promise<StreamClient> {
    const client = await StreamClient.connect(url);
    await client.ask(authenticate(key));
    await client.ask({ action: 'listen', data: { streams: ['trade_updates'], ...data } });
    return client;
  }

  send(message: object | Buffer): void {
    this.socket.send(Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }

  /** Sends it and waits for the next message that is no event. */
  async ask(message: object | Buffer): Promise<StreamMessage> {
    const answers = () => this.messages.filter(({ stream }) => !FEEDS.includes(stream));
    const before = answers().length;
    this.send(message);
    await eventually(() => {
      if (answers().length <= before) throw new Error('no answer');
      return Promise.resolve();
    });
    return answers()[before]!;
  }

  /** The events so far. */
  get events(): StreamMessage['data'][] {
    return this.messages.filter(({ stream }) => stream === 'trade_updates').map(({ data }) => data);
  }

  /** The notifications so far. */
  get notifications(): StreamMessage['data'][] {
    return this.messages.filter(({ stream }) => stream === 'notifications').map(({ data }) => data);
  }

  /** Waits until it is closed. */
  async end(withinMs?: number): Promise<{ code: number; reason: string }> {
    await eventually(() => {
      if (!this.closed) throw new Error('still open');
      return Promise.resolve();
    }, withinMs);
    return this.closed!;
  }

  close(): void {
    this.socket.terminate();
  }
}

export const authenticate = ({ key_id, secret_key }: ApiKeyCredentials): object => ({
  action: 'authenticate',
  data: { key_id, secret_key },
});
