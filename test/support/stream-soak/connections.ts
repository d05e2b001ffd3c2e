import { once } from 'node:events';
import { WebSocket } from 'ws';
import { EventStreamClient, type ServerSentEvent } from '../event-stream-client.js';
import type { Key } from '../order-load.js';

/** One connection to a stream of order books. */
export interface BookConnection {
  /** Asks for the whole book of a symbol, as far as its protocol lets it. */
  ask(symbol: string): void;
  close(): void;
}

export interface Heard {
  onMessage(message: Record<string, unknown>): void;
  onClose(): void;
}

/** Connects and subscribes. @throws when it is refused */
export type Connect = (heard: Heard) => Promise<BookConnection>;

/** @param symbols what is subscribed; `*` is all stocks */
export const bySocket =
  (url: string, key: Key, symbols: readonly string[]): Connect =>
  async (heard) => {
    const headers = { 'APCA-API-KEY-ID': key.key_id, 'APCA-API-SECRET-KEY': key.secret_key };
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v2/iex`, { headers });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('message', (data: Buffer) => {
      const messages = JSON.parse(data.toString()) as Record<string, unknown>[];
      for (const message of messages) heard.onMessage(message);
    });
    await Promise.race([
      once(socket, 'open'),
      once(socket, 'close').then(() => Promise.reject(new Error('refused'))),
    ]);
    socket.on('close', () => heard.onClose());
    const send = (message: object) => socket.send(JSON.stringify(message), () => undefined);
    send({ action: 'subscribe', orderbooks: symbols });
    return {
      ask: (symbol) => send({ action: 'snapshot', orderbooks: [symbol] }),
      close: () => socket.close(),
    };
  };

/** Who hears server-sent events can ask for nothing: a new connection begins with whole books. */
export const byEventSource =
  (url: string, key: Key, symbols: readonly string[]): Connect =>
  async (heard) => {
    const query = `?symbols=${symbols.join(',')}&channels=orderbooks`;
    const client = await EventStreamClient.open(url, key, query, {}, '/v2/markets/stream');
    if (client.answer.statusCode !== 200) throw new Error(`answered ${client.answer.statusCode}`);
    const hear = ({ data }: ServerSentEvent) =>
      heard.onMessage(JSON.parse(data!) as Record<string, unknown>);
    client.events.forEach(hear);
    client.onEvent = hear;
    client.answer.on('close', () => heard.onClose());
    if (client.isEnded) throw new Error('ended at once');
    return { ask: () => client.close(), close: () => client.close() };
  };
