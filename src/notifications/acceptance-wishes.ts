import type { Knex } from 'knex';

const REFRESH_MS = 5_000;

/**
 * The accounts whose clients want to be told that an order came to the market. Few do, and it is the most
 * frequent of all events: the order path asks before it notes anything for the others (ADR 11). A choice
 * takes effect within five seconds.
 */
export class AcceptanceWishes {
  private accountIds: ReadonlySet<string> = new Set();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly knex: Knex,
    private readonly onError: (error: unknown) => void,
  ) {}

  async start(): Promise<void> {
    await this.refresh();
    this.timer = setInterval(() => void this.refresh().catch(this.onError), REFRESH_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  has(accountId: string): boolean {
    return this.accountIds.has(accountId);
  }

  async refresh(): Promise<void> {
    const ids = await this.knex('notification_preferences as p')
      .join('accounts as a', 'a.client_id', 'p.client_id')
      .where({ 'p.event': 'order.accepted', 'p.wanted': true })
      .whereIn('p.channel', ['email', 'in_app'])
      .pluck<string[]>('a.id');
    this.accountIds = new Set(ids);
  }
}
