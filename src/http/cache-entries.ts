import { hash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { Batch } from '../batch.js';

/** What is kept of an answer. */
export interface Entry {
  /** Of the body, in quotes. */
  readonly etag: string;
  /** JSON, ready to be sent. */
  readonly body: Buffer;
}

/** Where an entry is kept, and what it must be an answer to. */
export interface EntryPlace {
  /** Printable ASCII. */
  readonly key: string;
  /** ASCII without a line break; another version's entry is none. */
  readonly version: string;
}

const ETAG_HASH_LENGTH = 22;
const ETAG_LENGTH = ETAG_HASH_LENGTH + 2;
/** After a failure Redis is asked again once in this time, and left alone in between. */
const PAUSE_MS = 1_000;

/** A strong ETag: 132 bits of the body's SHA-256. */
export const etagOf = (body: Buffer): string =>
  `"${hash('sha256', body, 'base64url').slice(0, ETAG_HASH_LENGTH)}"`;

/**
 * Entries in Redis, all with an expiry. An entry begins with its own key and version and holds the
 * hash of its body: one that is cut, garbled, another version's or another key's is not found.
 * While Redis is away nothing is found and nothing waits for it.
 */
export class CacheEntries {
  private readonly reads = new Batch((keys) => this.readAll(keys));
  /** Null while Redis works. */
  private retryAt: number | null = null;

  constructor(private readonly redis: Redis) {}

  /** What is kept under a key, for `entryAt`. @throws when Redis fails or takes too long */
  read(key: string): Promise<Buffer | null> {
    return this.reads.ask(key);
  }

  /** @throws as read */
  async write(place: EntryPlace, entry: Entry, ttlMs: number): Promise<void> {
    if (!this.mayAsk()) return;
    const bytes = Buffer.concat([Buffer.from(`${headOf(place)}${entry.etag}\n`), entry.body]);
    await this.asking(this.redis.set(place.key, bytes, 'PX', Math.max(1, Math.floor(ttlMs))));
  }

  private async readAll(keys: string[]): Promise<(Buffer | null)[]> {
    if (!this.mayAsk()) return keys.map(() => null);
    return this.asking(this.redis.mgetBuffer(keys));
  }

  private mayAsk(): boolean {
    if (this.redis.status !== 'ready') return false;
    if (this.retryAt === null) return true;
    if (performance.now() < this.retryAt) return false;
    this.retryAt = performance.now() + PAUSE_MS; // the others wait for what becomes of this one
    return true;
  }

  private async asking<Reply>(command: Promise<Reply>): Promise<Reply> {
    try {
      const reply = await command;
      this.retryAt = null;
      return reply;
    } catch (error) {
      this.retryAt = performance.now() + PAUSE_MS;
      throw error;
    }
  }
}

const headOf = ({ key, version }: EntryPlace): string => `${key}\n${version}\n`;

/** The entry of this place that the bytes are; null when they are anything else. */
export function entryAt(place: EntryPlace, bytes: Buffer): Entry | null {
  const head = headOf(place);
  if (bytes.toString('latin1', 0, head.length) !== head) return null;
  const etag = bytes.toString('latin1', head.length, head.length + ETAG_LENGTH);
  const body = bytes.subarray(head.length + ETAG_LENGTH + 1);
  return etagOf(body) === etag ? { etag, body } : null;
}
