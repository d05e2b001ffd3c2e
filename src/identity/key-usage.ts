import type { Knex } from 'knex';

const WRITE_MS = 10_000;

const NOTE_USES = `
  update api_keys k set last_used_at = u.at, last_used_ip = u.ip
  from unnest(?::text[], ?::timestamptz[], ?::text[]) as u (id, at, ip)
  where k.id = u.id and (k.last_used_at is null or k.last_used_at < u.at)`;

/** Notes when each API key was used last: gathered, and written every ten seconds at most. */
export class KeyUsage {
  private readonly uses = new Map<string, { atMs: number; ip: string }>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly knex: Knex,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.timer = setInterval(() => void this.write(), WRITE_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    void this.write();
  }

  note(keyId: string, ip: string): void {
    this.uses.set(keyId, { atMs: Date.now(), ip });
  }

  /** Writes what has been gathered; what cannot be written is not worth a request's failure. */
  async write(): Promise<void> {
    const uses = [...this.uses].sort(([a], [b]) => (a < b ? -1 : 1));
    this.uses.clear();
    if (uses.length === 0) return;
    try {
      await this.knex.raw(NOTE_USES, [
        uses.map(([id]) => id),
        uses.map(([, { atMs }]) => new Date(atMs)),
        uses.map(([, { ip }]) => ip),
      ]);
    } catch (error) {
      this.onError(error);
    }
  }
}
