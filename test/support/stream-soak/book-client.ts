import { setTimeout as sleep } from 'node:timers/promises';
import type { BookConnection, Connect } from './connections.js';
import { RebuiltBooks, type OrderbookMessage } from './rebuilt-books.js';
import type { SameAtSameNumber } from './same-at-same-number.js';

const CONNECT_AGAIN_MS = 50;

/** Keeps the books of some symbols, whatever happens to its connection. */
export class BookClient {
  readonly counts = {
    connections: 0,
    messages: 0,
    differences: 0,
    wholeBooks: 0,
    /** Whole books whose number shows another publisher, or a pause. */
    jumps: 0,
    staleTold: 0,
    /** Messages that it threw away, as if the network had. */
    lost: 0,
    gaps: 0,
    healed: 0,
  };
  /** Gaps where nothing had been thrown away: there must be none. */
  readonly unexplained: string[] = [];
  private books = new RebuiltBooks();
  private connection: BookConnection | null = null;
  private closed: () => void = () => undefined;
  private isStopped = false;
  private losesNext = false;
  private readonly missing = new Set<string>();
  private readonly asked = new Set<string>();
  private readonly done: Promise<void>;

  constructor(
    readonly name: string,
    readonly symbols: readonly string[],
    private readonly connect: Connect,
    private readonly same: SameAtSameNumber,
  ) {
    this.done = this.stayConnected();
  }

  /** Hangs up; it connects again by itself. */
  hangUp(): void {
    this.connection?.close();
  }

  /** The next difference does not arrive. */
  loseNext(): void {
    this.losesNext = true;
  }

  find(symbol: string): ReturnType<RebuiltBooks['find']> {
    return this.books.find(symbol);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.connection?.close();
    await this.done;
  }

  private async stayConnected(): Promise<void> {
    const isOver = () => this.isStopped;
    while (!isOver()) {
      const over = new Promise<void>((resolve) => (this.closed = resolve));
      this.books = new RebuiltBooks();
      this.missing.clear();
      try {
        this.connection = await this.connect({
          onMessage: (message) => this.take(message),
          onClose: () => this.closed(),
        });
        this.counts.connections += 1;
        if (isOver()) this.connection.close();
        await over;
      } catch {
        // The API is away: the next attempt tells.
      }
      this.connection = null;
      await sleep(CONNECT_AGAIN_MS);
    }
  }

  private take(message: Record<string, unknown>): void {
    this.counts.messages += 1;
    if (message['T'] === 'feed' && message['stale']) this.counts.staleTold += 1;
    if (message['T'] === 'o') this.takeBook(message as unknown as OrderbookMessage);
  }

  private takeBook(message: OrderbookMessage): void {
    const { S: symbol } = message;
    if (!this.symbols.includes(symbol)) return;
    if (this.losesNext && !message.r) {
      this.losesNext = false;
      this.counts.lost += 1;
      this.missing.add(symbol);
      return;
    }
    const before = this.books.find(symbol);
    const taken = this.books.take(message);
    if (taken === 'gap') return this.askFor(message);
    if (taken === 'useless') return;
    if (taken === 'whole') {
      this.counts.wholeBooks += 1;
      if (before && !message.stale && before.seq + 1 !== message.seq) this.counts.jumps += 1;
      this.missing.delete(symbol);
      if (this.asked.delete(symbol)) this.counts.healed += 1;
    } else this.counts.differences += 1;
    const book = this.books.find(symbol)!;
    if (!book.stale) this.same.note(this.name, symbol, book);
  }

  private askFor({ S: symbol, seq }: OrderbookMessage): void {
    this.counts.gaps += 1;
    if (!this.missing.has(symbol)) this.unexplained.push(`${this.name}: ${symbol} ${seq}`);
    this.asked.add(symbol);
    this.connection?.ask(symbol);
  }
}
