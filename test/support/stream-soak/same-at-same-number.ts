const KEPT = 20_000;

/**
 * Compares clients while everything moves: who has come to the same number of the same book must have
 * the same book, wherever it began and whatever it went through.
 */
export class SameAtSameNumber {
  /** How many times a client came to a number at which another one had been. */
  compared = 0;
  readonly differences: string[] = [];
  private readonly seen = new Map<string, { text: string; client: string }>();

  note(client: string, symbol: string, { seq, text }: { seq: number; text: string }): void {
    const key = `${symbol} ${seq}`;
    const before = this.seen.get(key);
    if (!before) {
      this.seen.set(key, { text, client });
      if (this.seen.size > KEPT) this.seen.delete(this.seen.keys().next().value!);
      return;
    }
    this.compared += 1;
    if (before.text === text) return;
    this.differences.push(`${key}: ${before.client} ${before.text}, ${client} ${text}`);
  }
}
