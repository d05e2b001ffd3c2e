import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { SeededAccount } from '../../src/commands/seed.js';

/** A trade as it is told; `i` is the number of its execution. */
interface TradeMessage {
  readonly T: string;
  readonly S: string;
  readonly i: number;
  readonly seq: number;
}

const AT_ONCE = 50;

/** WebSocket clients that take all trades and quotes, and note when each trade arrives. */
export class MarketListeners {
  /** Trades that came to a client together, and when, in ms since 1970. */
  arrivals: { trades: readonly TradeMessage[]; at: number }[] = [];
  /** Trades that did not follow their predecessor. */
  outOfOrder = 0;
  closed = 0;
  private readonly sockets: WebSocket[] = [];
  /** All clients get the same bytes: each frame is understood once, or this process would be the limit. */
  private lastBytes: Buffer = Buffer.alloc(0);
  private lastTrades: readonly TradeMessage[] = [];

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

  /** Forgets what was measured so far. */
  reset(): void {
    this.arrivals = [];
  }

  close(): void {
    for (const socket of this.sockets) {
      socket.removeAllListeners('close');
      socket.terminate();
    }
  }

  private async openOne({ key_id: key, secret_key: secret }: SeededAccount): Promise<void> {
    const socket = new WebSocket(`${this.url.replace(/^http/, 'ws')}/v2/iex`);
    this.sockets.push(socket);
    socket.on('close', () => (this.closed += 1));
    await once(socket, 'open');
    const numbers = new Map<string, number>();
    const listening = new Promise<void>((resolve, reject) => {
      socket.on('message', (bytes: Buffer) => {
        const at = performance.timeOrigin + performance.now();
        const text = bytes.toString('latin1', 0, 16);
        if (text.startsWith('[{"T":"error')) reject(new Error(bytes.toString()));
        else if (text.startsWith('[{"T":"subscript')) resolve();
        else if (text.startsWith('[{"T":"t"')) this.note(bytes, at, numbers);
      });
    });
    socket.send(JSON.stringify({ action: 'auth', key, secret }));
    socket.send(JSON.stringify({ action: 'subscribe', trades: ['*'], quotes: ['*'] }));
    await listening;
  }

  private note(bytes: Buffer, at: number, numbers: Map<string, number>): void {
    if (!bytes.equals(this.lastBytes)) {
      this.lastBytes = bytes;
      const messages = JSON.parse(bytes.toString()) as TradeMessage[];
      this.lastTrades = messages.filter(({ T }) => T === 't');
    }
    for (const { S: symbol, seq } of this.lastTrades) {
      const last = numbers.get(symbol);
      if (last !== undefined && seq !== last + 1) this.outOfOrder += 1;
      numbers.set(symbol, seq);
    }
    this.arrivals.push({ trades: this.lastTrades, at });
  }
}
