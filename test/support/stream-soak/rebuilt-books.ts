/** An order book message of a stream (docs/api.md). */
export interface OrderbookMessage {
  readonly S: string;
  readonly seq: number;
  readonly stale: boolean;
  readonly b: readonly { p: number; s: number }[];
  readonly a: readonly { p: number; s: number }[];
  readonly r?: true;
}

/** What became of a message: `gap` is the first one that shows that something is missing. */
export type Taken = 'whole' | 'difference' | 'gap' | 'useless';

interface Rebuilt {
  seq: number;
  stale: boolean;
  readonly b: Map<number, number>;
  readonly a: Map<number, number>;
}

const sizes = (levels: OrderbookMessage['b']) => new Map(levels.map(({ p, s }) => [p, s]));

/** Levels of a side as one text, best first: what two books are compared by. */
export const bookText = (
  bids: Iterable<readonly [number, number]>,
  asks: Iterable<readonly [number, number]>,
): string =>
  JSON.stringify([
    [...bids].sort(([one], [other]) => other - one),
    [...asks].sort(([one], [other]) => one - other),
  ]);

/**
 * The books of one connection, rebuilt as the guide tells clients to, and with none of the product's
 * code: a fault that both sides share would not show.
 */
export class RebuiltBooks {
  private readonly books = new Map<string, Rebuilt>();
  /** Had a gap, and nothing whole since. */
  private readonly broken = new Set<string>();

  take(message: OrderbookMessage): Taken {
    const { S, seq, stale, b, a, r } = message;
    const known = this.books.get(S);
    if (r) {
      this.broken.delete(S);
      this.books.set(S, { seq, stale, b: sizes(b), a: sizes(a) });
      return 'whole';
    }
    if (this.broken.has(S)) return 'useless';
    if (known?.seq !== seq - 1) {
      this.books.delete(S);
      this.broken.add(S);
      return 'gap';
    }
    apply(known.b, b);
    apply(known.a, a);
    known.seq = seq;
    known.stale = stale;
    return 'difference';
  }

  /** @returns null while there is none that can be relied on */
  find(symbol: string): { seq: number; stale: boolean; text: string } | null {
    const book = this.books.get(symbol);
    return book ? { seq: book.seq, stale: book.stale, text: bookText(book.b, book.a) } : null;
  }
}

function apply(side: Map<number, number>, changes: OrderbookMessage['b']): void {
  for (const { p, s } of changes) {
    if (s === 0) side.delete(p);
    else side.set(p, s);
  }
}
