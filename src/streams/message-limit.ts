const MINUTE_MS = 60_000;

/** Counts what a client sends: so many messages in a minute. */
export class MessageLimit {
  private left: number;
  private countedSince = Date.now();

  constructor(readonly perMinute: number) {
    this.left = perMinute;
  }

  /** @returns false for one too many */
  count(): boolean {
    const now = Date.now();
    if (now - this.countedSince > MINUTE_MS) {
      this.countedSince = now;
      this.left = this.perMinute;
    }
    return (this.left -= 1) >= 0;
  }
}
