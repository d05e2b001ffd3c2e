import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import type { Logger } from '../log.js';
import { EVENTS_CHANNEL, idsOfHint } from '../streams/event-bell.js';
import { oldestNotification, waitingNotifications } from '../metrics.js';
import { lookAtEndpoints, type Waiting } from './turns.js';

export interface WatchDeps {
  readonly knex: Knex;
  /** Of its own: a connection that subscribes can do nothing else. */
  readonly redis: Redis;
  readonly log: Logger;
  /** Adds a job for each endpoint; neither waits nor throws. */
  readonly nudge: (endpointIds: readonly string[]) => void;
  /** The same for those that are found to be due, whatever became of earlier jobs. */
  readonly sweep: (endpointIds: readonly string[]) => void;
  readonly now?: () => Date;
}

const LOOK_EVERY_MS = 2_000;
/** Hints gather for so long. */
const GATHER_MS = 25;

/**
 * Finds out which endpoints there may be something for. The order path does nothing for it: after each
 * commit it names the accounts that have new events anyway, for the streams. Every other second Postgres
 * is asked, which decides; a hint only makes it quicker.
 */
export class WebhookWatch {
  /** As Postgres had it at the last look; who is missing is found at the next one. */
  private byAccount = new Map<string, string[]>();
  private readonly hinted = new Set<string>();
  private gathering: NodeJS.Timeout | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isLooking = false;
  private isSubscribed = false;
  private isStopped = false;

  constructor(private readonly deps: WatchDeps) {}

  start(): void {
    const { redis } = this.deps;
    redis.on('message', (_channel: string, message: string) => this.onHint(message));
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    void this.look();
  }

  stop(): void {
    this.isStopped = true;
    clearInterval(this.timer);
    clearTimeout(this.gathering);
    this.deps.redis.disconnect();
  }

  /** Asks Postgres. */
  async look(): Promise<void> {
    const { knex, log, redis, sweep, now = () => new Date() } = this.deps;
    if (this.isLooking) return;
    this.isLooking = true;
    if (redis.status === 'ready') redis.ping().catch(() => undefined); // shows a half-open one
    try {
      const endpoints = await lookAtEndpoints(knex, now());
      this.remember(endpoints);
      sweep(endpoints.filter(({ isDue }) => isDue).map(({ id }) => id));
      const oldest = Math.min(...endpoints.map(({ since }) => since?.getTime() ?? Infinity));
      const ageMs = oldest === Infinity ? 0 : Math.max(0, now().getTime() - oldest);
      oldestNotification.set({ channel: 'webhook' }, ageMs / 1_000);
      const waiting = endpoints.reduce((sum, { events }) => sum + events, 0n);
      waitingNotifications.set({ channel: 'webhook' }, Number(waiting));
    } catch (error) {
      if (!this.isStopped) log.warn('webhook endpoints could not be looked at', { error });
    }
    this.isLooking = false;
  }

  private remember(endpoints: readonly Waiting[]): void {
    this.byAccount = new Map();
    for (const { id, accountId } of endpoints) {
      this.byAccount.set(accountId, [...(this.byAccount.get(accountId) ?? []), id]);
    }
    this.listen(endpoints.length > 0);
  }

  /** Every pass names its accounts: who waits for none of them need not read that. */
  private listen(wanted: boolean): void {
    const { redis } = this.deps;
    if (wanted === this.isSubscribed) return;
    this.isSubscribed = wanted;
    const told = wanted ? redis.subscribe(EVENTS_CHANNEL) : redis.unsubscribe(EVENTS_CHANNEL);
    told.catch(() => undefined); // kept, and sent when it connects
  }

  private onHint(message: string): void {
    for (const accountId of idsOfHint(message)) {
      for (const id of this.byAccount.get(accountId) ?? []) this.hinted.add(id);
    }
    if (this.hinted.size === 0 || this.gathering) return;
    this.gathering = setTimeout(() => {
      this.gathering = undefined;
      const ids = [...this.hinted];
      this.hinted.clear();
      this.deps.nudge(ids);
    }, GATHER_MS);
  }
}
