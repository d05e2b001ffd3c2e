import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { eventually } from './eventually.js';

/** A message as it came over the network. */
export interface Received {
  /** The header webhook-id. */
  readonly id: string;
  readonly type: string;
  /** Null for a test. */
  readonly eventId: number | null;
  readonly data: Record<string, unknown>;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a receiver does with a message: a status, or something else with the connection. */
export type Reply =
  | number
  | { status: number; headers?: Record<string, string>; body?: string }
  /** Takes the message, and cuts the connection before it says so. */
  | 'take and cut'
  /** Cuts the connection and knows of nothing. */
  | 'cut'
  /** Never answers. */
  | 'hang';

/** A client's program that receives webhooks. */
export class WebhookReceiver {
  /** What it has taken, copies included, in the order in which it came. */
  readonly taken: Received[] = [];
  /** All that was asked of it. */
  requests = 0;
  /** The most messages that were on their way to it at once. */
  atOnceMax = 0;
  private atOnce = 0;
  connections = 0;
  reply: (received: Received) => Reply | Promise<Reply> = () => 204;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<WebhookReceiver> {
    const server = createServer();
    const receiver = new WebhookReceiver(server);
    server.on('connection', () => (receiver.connections += 1));
    server.on('request', (request, response) => void receiver.receive(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  /** The events that it has taken, copies included. */
  get eventIds(): (number | null)[] {
    return this.taken.map(({ eventId }) => eventId);
  }

  /** Waits until it has taken so many messages at least, copies included. */
  async untilTaken(count: number): Promise<void> {
    await eventually(() => {
      if (this.taken.length < count) throw new Error(`it has taken ${this.taken.length}`);
      return Promise.resolve();
    });
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('utf8');
    const { type, data } = JSON.parse(body) as { type: string; data: Record<string, unknown> };
    const received: Received = {
      id: String(request.headers['webhook-id']),
      type,
      eventId: data['event_id'] as number | null,
      data,
      headers: request.headers,
      body,
    };
    this.atOnce += 1;
    this.atOnceMax = Math.max(this.atOnceMax, this.atOnce);
    this.answer(await this.reply(received), received, response);
    this.atOnce -= 1;
  }

  private answer(reply: Reply, received: Received, response: ServerResponse): void {
    const {
      status,
      headers = {},
      body = '',
    } = typeof reply === 'object' ? reply : { status: typeof reply === 'number' ? reply : 0 };
    const isTaken = status >= 200 && status < 300;
    if (isTaken || reply === 'take and cut') this.taken.push(received);
    if (reply === 'hang') return;
    if (status === 0) response.destroy();
    else response.writeHead(status, headers).end(body);
  }
}

/** @returns whether the public library believes that a message is from us */
export function isSigned(secret: string, { body, headers }: Received): boolean {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}
