import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { SeededAccount } from '../../src/commands/seed.js';

interface Message {
  stream: string;
  data: { status?: string; event: string; event_id: number };
}

const AT_ONCE = 50;

/** WebSocket clients that note when each fill arrives, and whether an event is missing. */
export class StreamClients {
  /** Of the fills: which, and when they came, in ms since 1970. */
  arrivals: { accountId: string; eventId: number; at: number }[] = [];
  received = 0;
  /** Events that did not follow their predecessor. */
  outOfOrder = 0;
  closed = 0;
  private readonly sockets: WebSocket[] = [];

  constructor(private readonly url: string) {}

  /** Opens them, evenly over the accounts, and waits until all listen. */
  async open(count: number, accounts: readonly SeededAccount[]): Promise<void> {
    for (let first = 0; first < count; first += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, index) =>
        this.openOne(accounts[(first + index) % accounts.length]!),
      );
      await Promise.all(some);
    }
  }

  /** Forgets what was measured so far, but for the order of events. */
  reset(): void {
    this.arrivals = [];
    this.received = 0;
  }

  close(): void {
    for (const socket of this.sockets) {
      socket.removeAllListeners('close');
      socket.terminate();
    }
  }

  private async openOne({
    account_id: accountId,
    key_id,
    secret_key,
  }: SeededAccount): Promise<void> {
    const socket = new WebSocket(`${this.url.replace(/^http/, 'ws')}/stream`);
    this.sockets.push(socket);
    socket.on('close', () => (this.closed += 1));
    await once(socket, 'open');
    let lastId = 0;
    const listening = new Promise<void>((resolve, reject) => {
      socket.on('message', (bytes: Buffer) => {
        const { stream, data } = JSON.parse(bytes.toString()) as Message;
        if (stream === 'trade_updates') {
          if (lastId !== 0 && data.event_id !== lastId + 1) this.outOfOrder += 1;
          lastId = data.event_id;
          this.note(accountId, data);
        } else if (stream === 'listening') resolve();
        else if (data.status !== 'authorized') reject(new Error(bytes.toString()));
      });
    });
    socket.send(JSON.stringify({ action: 'authenticate', data: { key_id, secret_key } }));
    socket.send(JSON.stringify({ action: 'listen', data: { streams: ['trade_updates'] } }));
    await listening;
  }

  private note(accountId: string, { event, event_id: eventId }: Message['data']): void {
    this.received += 1;
    if (event !== 'fill' && event !== 'partial_fill') return;
    this.arrivals.push({ accountId, eventId, at: performance.timeOrigin + performance.now() });
  }
}
