import type { Entry, EntryPlace } from './cache-entries.js';

const KEPT_MS = 200;
const ENTRIES_MAX = 500;
const BODY_MAX_BYTES = 64_000;

interface Recent extends Entry {
  readonly version: string;
  /** On performance.now()'s clock. */
  readonly until: number;
}

/** What this process has lately found or kept, for a moment: the hottest entries need no Redis. */
export class RecentEntries {
  private readonly byKey = new Map<string, Recent>();

  find({ key, version }: EntryPlace): Entry | null {
    const recent = this.byKey.get(key);
    if (!recent) return null;
    if (recent.version === version && performance.now() < recent.until) return recent;
    this.byKey.delete(key);
    return null;
  }

  /** @param ttlMs how long it may be kept at most */
  keep({ key, version }: EntryPlace, { etag, body }: Entry, ttlMs: number): void {
    if (body.length > BODY_MAX_BYTES) return;
    this.byKey.delete(key); // so that it becomes the newest
    if (this.byKey.size >= ENTRIES_MAX) {
      const [oldest] = this.byKey.keys();
      this.byKey.delete(oldest!);
    }
    const until = performance.now() + Math.min(KEPT_MS, ttlMs);
    // A copy: what came from Redis is a piece of something larger.
    this.byKey.set(key, { version, until, etag, body: Buffer.from(body) });
  }
}
