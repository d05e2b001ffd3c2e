import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Database } from '../db.js';
import { invalid } from '../errors.js';
import type { Logger } from '../log.js';
import { TOO_SLOW } from './ending.js';
import { EVERYBODY, idsOfHint } from './event-bell.js';
import { ACCOUNT_LOG, type HubLog } from './hub-log.js';
import { Subscription, type Consumer } from './subscription.js';

/** Bounds of the hub; tests choose smaller ones. */
export interface HubLimits {
  /** Events of one reader in one round. */
  readonly pageSize: number;
  /** Readers in one round: with the page it bounds what a round holds in memory. */
  readonly readersPerRound: number;
  /** A client that takes nothing for so long is dropped. */
  readonly stalledMs: number;
  /** So many events may happen that a live client has not taken yet. */
  readonly unreadMax: bigint;
}

export const HUB_LIMITS: HubLimits = {
  pageSize: 50,
  readersPerRound: 50,
  stalledMs: 10_000,
  unreadMax: 10_000n,
};

export interface EventHubDeps {
  readonly db: Pick<Database, 'run'>;
  /** Of its own: a connection that subscribes can do nothing else. */
  readonly redis: Redis;
  readonly log: Logger;
  /** What it follows; the logs of accounts unless given. */
  readonly follows?: HubLog;
  readonly limits?: Partial<HubLimits>;
}

const TEND_MS = 1_000;
const RETRY_MS = 300;

/**
 * Hands every live subscription of this process what comes after its cursor in its account's log (or,
 * where it follows the logs of clients, its client's: "account" stands for either here).
 * A hint on Redis says which accounts to look at; all that are due are read by one query, and hints
 * that arrive meanwhile share the next one. Every second it looks at all of them, hint or not: the
 * log decides what is sent, Redis only how soon.
 */
export class EventHub {
  private readonly limits: HubLimits;
  private readonly follows: HubLog;
  private readonly byAccount = new Map<string, Set<Subscription>>();
  /** Those that may be behind, longest waiting first. */
  private readonly due = new Set<Subscription>();
  private isReading = false;
  private isTending = false;
  private isStopped = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly deps: EventHubDeps) {
    this.limits = { ...HUB_LIMITS, ...deps.limits };
    this.follows = deps.follows ?? ACCOUNT_LOG;
  }

  /** Listens for hints, and looks every second. Does not wait for Redis. */
  start(): void {
    const { redis } = this.deps;
    redis.on('message', (_channel: string, message: string) => this.onHint(message));
    redis.on('ready', () => this.readAll()); // hints may have been lost
    redis.subscribe(this.follows.channel).catch(() => undefined); // kept, and sent when it connects
    this.timer = setInterval(() => void this.tend(), TEND_MS);
    this.timer.unref();
  }

  /** Hands out nothing more; whoever subscribed closes by itself. */
  stop(): void {
    this.isStopped = true;
    clearInterval(this.timer);
    this.deps.redis.disconnect();
  }

  /**
   * Prepares a subscription; nothing comes before its `start`.
   * @param sinceId the last event that the client has, or null for those that happen from now on
   * @param field   what the client calls that
   * @throws DomainError 422 when the log has not come that far
   */
  async subscribe(
    accountId: string,
    sinceId: bigint | null,
    consumer: Consumer,
    field = 'since_id',
  ): Promise<Subscription> {
    const lastId = await this.lastEventId(accountId);
    if (sinceId !== null && sinceId > lastId) {
      throw invalid(
        `${field} was ${sinceId}, but the last event of this account is ${lastId}: ` +
          'send an event_id that you got from it, or 0 for the beginning',
      );
    }
    return new Subscription(accountId, sinceId ?? lastId, consumer, {
      add: (subscription) => this.add(subscription),
      remove: (subscription) => this.remove(subscription),
      read: (subscription) => this.read([subscription]),
    });
  }

  /** The last event of an account's log; 0 when there is none. */
  async lastEventId(accountId: string): Promise<bigint> {
    const [row] = await this.follows.lastIds(this.deps.db, [accountId]);
    return row?.lastEventId ?? 0n;
  }

  private add(subscription: Subscription): void {
    const { accountId } = subscription;
    let subscriptions = this.byAccount.get(accountId);
    if (!subscriptions) this.byAccount.set(accountId, (subscriptions = new Set()));
    subscriptions.add(subscription);
  }

  private remove(subscription: Subscription): void {
    const { accountId } = subscription;
    const subscriptions = this.byAccount.get(accountId);
    subscriptions?.delete(subscription);
    if (subscriptions?.size === 0) this.byAccount.delete(accountId);
    this.due.delete(subscription);
  }

  private onHint(message: string): void {
    const accountIds = idsOfHint(message);
    if (accountIds.includes(EVERYBODY)) return this.readAll();
    for (const accountId of accountIds) {
      const subscriptions = this.byAccount.get(accountId);
      if (subscriptions) this.read(subscriptions);
    }
  }

  private readAll(): void {
    for (const subscriptions of this.byAccount.values()) this.read(subscriptions);
  }

  /** Makes sure that a round which begins from now on reads for these. */
  private read(subscriptions: Iterable<Subscription>): void {
    for (const subscription of subscriptions) {
      if (subscription.isReading) this.due.add(subscription);
    }
    if (!this.isReading && this.due.size > 0 && !this.isStopped) void this.readRounds();
  }

  private async readRounds(): Promise<void> {
    this.isReading = true;
    await Promise.resolve(); // so that all accounts of a hint are in the first round
    while (this.due.size > 0 && !this.isStopped) {
      const groups = this.takeDue();
      try {
        await this.readRound(groups);
      } catch (error) {
        this.warn('events could not be read', error);
        await sleep(RETRY_MS);
        this.read(groups.flat());
      }
    }
    this.isReading = false;
  }

  /** Those who stand at the same place of the same log are one reader. */
  private takeDue(): Subscription[][] {
    const groups = new Map<string, Subscription[]>();
    for (const subscription of this.due) {
      const place = `${subscription.accountId} ${subscription.cursor}`;
      const group = groups.get(place);
      if (group) group.push(subscription);
      else if (groups.size < this.limits.readersPerRound) groups.set(place, [subscription]);
      else continue; // there may still be others at places that are taken
      this.due.delete(subscription);
    }
    return [...groups.values()];
  }

  private async readRound(groups: readonly Subscription[][]): Promise<void> {
    const { pageSize } = this.limits;
    const positions = groups.map(([first]) => ({
      accountId: first!.accountId,
      sinceId: first!.cursor,
    }));
    const pages = await this.follows.read(this.deps.db, positions, pageSize);
    const now = Date.now();
    for (const [index, events] of pages.entries()) {
      for (const subscription of groups[index]!) {
        if (subscription.isLive && subscription.isReading) {
          for (const { occurredAt } of events) {
            this.follows.observeLag((now - occurredAt.getTime()) / 1_000);
          }
        }
        subscription.advance(events, events.length < pageSize);
      }
    }
  }

  /** Looks for events whose hint got lost, and for clients that do not keep up. */
  private async tend(): Promise<void> {
    const { redis, db } = this.deps;
    if (redis.status === 'ready') redis.ping().catch(() => undefined); // shows a half-open one
    this.dropStalled();
    if (this.byAccount.size === 0 || this.isTending) return;
    this.isTending = true;
    try {
      const accounts = [...this.byAccount.keys()];
      const rows = await this.follows.lastIds(db, accounts);
      for (const { id, lastEventId } of rows) this.catchUp(id, lastEventId);
    } catch (error) {
      this.warn('the event log could not be looked at', error);
    }
    this.isTending = false;
  }

  private dropStalled(): void {
    const since = Date.now() - this.limits.stalledMs;
    for (const subscription of this.subscriptions()) {
      if ((subscription.pausedAt ?? Infinity) <= since) subscription.end(TOO_SLOW);
    }
  }

  private catchUp(accountId: string, lastEventId: bigint): void {
    for (const subscription of [...(this.byAccount.get(accountId) ?? [])]) {
      const unread = lastEventId - subscription.cursor;
      if (subscription.isLive && unread > this.limits.unreadMax) subscription.end(TOO_SLOW);
      else if (unread > 0n) this.read([subscription]);
    }
  }

  /** At the end the connections are closed under a round that is on its way. */
  private warn(message: string, error: unknown): void {
    if (!this.isStopped) this.deps.log.warn(message, { error: (error as Error).message });
  }

  private subscriptions(): Subscription[] {
    return [...this.byAccount.values()].flatMap((subscriptions) => [...subscriptions]);
  }
}
