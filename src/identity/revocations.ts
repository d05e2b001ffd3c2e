import type { Database, Statement } from '../db.js';

const POLL_MS = 300;
/** A row may be written this long before its transaction commits and we can see it. */
const OVERLAP_SECONDS = 30;
/** Longer than an access token lives, or a verified key is remembered. */
const MEMORY_SECONDS = 20 * 60;

/** $1 how many seconds to look back. */
const RECENTLY_REVOKED: Statement = {
  name: 'identity-recently-revoked',
  text: `select id from api_keys where revoked_at > now() - make_interval(secs => $1)
    union all
    select id::text from sessions where ended_at > now() - make_interval(secs => $1)
    union all
    select id::text from clients
    where status <> 'active' and updated_at > now() - make_interval(secs => $1)`,
};

/**
 * The API keys revoked, the sessions ended and the clients suspended in the last minutes, read from Postgres three times
 * a second: what another process revokes is refused here within a second, although verified
 * credentials are remembered.
 */
export class Revocations {
  /** When each id was first seen, in ms; keys and UUIDs cannot be mistaken for each other. */
  private readonly seenAt = new Map<string, number>();
  private lastReadAt: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly listeners: ((ids: ReadonlySet<string>) => void)[] = [];

  constructor(
    private readonly db: Database,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Reads once, then again and again until `stop`. */
  async start(): Promise<void> {
    await this.read();
    this.schedule();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** True when this key, session or client was revoked lately: what is remembered of it is out of date. */
  includes(id: string): boolean {
    return this.seenAt.has(id);
  }

  /**
   * Tells of keys and clients that were revoked lately, each of them several times: for what stays
   * open and is not verified again.
   */
  onRevoked(listener: (ids: ReadonlySet<string>) => void): void {
    this.listeners.push(listener);
  }

  /** Reads the latest revocations. While Postgres is away the next read looks further back. */
  async read(): Promise<void> {
    const now = Date.now();
    const sinceLast =
      this.lastReadAt === undefined ? MEMORY_SECONDS : (now - this.lastReadAt) / 1_000;
    const seconds = sinceLast + OVERLAP_SECONDS;
    const rows = await this.db.run<{ id: string }>(RECENTLY_REVOKED, [seconds]);
    this.lastReadAt = now;
    for (const { id } of rows) this.seenAt.set(id, now);
    if (rows.length > 0) {
      const ids = new Set(rows.map(({ id }) => id));
      for (const listener of this.listeners) listener(ids);
    }
    for (const [id, at] of this.seenAt) {
      if (now - at > MEMORY_SECONDS * 1_000) this.seenAt.delete(id);
    }
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      void this.read()
        .catch(this.onError)
        .then(() => {
          if (this.timer) this.schedule();
        });
    }, POLL_MS);
    this.timer.unref();
  }
}
