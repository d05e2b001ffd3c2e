import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { nextAttemptAt, readRetryAfter } from '../domain/webhook-retries.js';
import {
  notificationLatency,
  notificationsFailed,
  notificationsQueued,
  notificationsSent,
} from '../metrics.js';
import { fallBackToMail } from '../notifications/fallback.js';
import { readEvents, type EventView } from '../streams/events.js';
import type { DeliverDeps } from './delivery-deps.js';
import { announceDisabled } from './disable.js';
import { eventMessage, messageIdOf, testMessage, type Message } from './message.js';
import { webhookAttempts, webhookRequestTime, webhooksDead, webhooksDisabled } from './metrics.js';
import { queuedDeliveries, type Delivery, type DeliveryStatus } from './model.js';
import { openSecrets } from './secrets.js';
import type { Attempt } from './sender.js';
import { signatureHeaders } from './signature.js';
import { traceAttempt } from './trace-attempt.js';
import {
  advance,
  extendLease,
  logAttempt,
  logQueued,
  turnOff,
  type Progress,
  type Turn,
} from './turns.js';
import { firstWanted, passesFilters, wishesFor } from './wanted-events.js';

export interface TurnDeps extends DeliverDeps {
  readonly now: () => Date;
}

const PAGE = 50;
/** Messages out of line in one turn. */
const QUEUED_MAX = 10;
const GONE = 410;
const CHANNEL = { channel: 'webhook' };

/** Where the head of the line stands. */
interface Head {
  readonly attempts: number;
  readonly headFailingSince: Date | null;
  readonly failingSince: Date | null;
}

/** An event in line that was posted. */
interface Tried {
  readonly event: EventView;
  readonly attempt: Attempt;
  readonly attemptedAt: Date;
}

/**
 * What a turn with one endpoint does while it lasts. Its transactions lock the endpoint before its
 * deliveries, as the API's do.
 */
export class EndpointTurn {
  private cursor: bigint;
  private head: Head;
  private readonly endsAt: number;
  private readonly secrets: readonly string[];

  constructor(
    private readonly deps: TurnDeps,
    private readonly turn: Turn,
    private readonly isStopping: () => boolean,
  ) {
    const { endpoint } = turn;
    this.cursor = endpoint.cursor;
    this.head = endpoint;
    this.endsAt = performance.now() + deps.terms.turnMs;
    this.secrets = openSecrets(deps.sealer, endpoint, deps.now());
  }

  /** @returns true when more waits */
  async run(): Promise<boolean> {
    const { endpoint } = this.turn;
    const { db, now } = this.deps;
    const queued = await queuedDeliveries(db.knex, endpoint.id, QUEUED_MAX);
    for (const delivery of queued) {
      if (!(await extendLease(db.knex, this.turn, this.leaseEnd()))) return false;
      await this.sendQueued(delivery);
      if (this.isOver()) return true;
    }
    if (queued.length === QUEUED_MAX) return true;
    if (!endpoint.enabled || endpoint.dueAt > now()) return false;
    return await this.followLine();
  }

  private isOver(): boolean {
    return this.isStopping() || performance.now() > this.endsAt;
  }

  private leaseEnd(): Date {
    return new Date(this.deps.now().getTime() + this.deps.terms.leaseMs);
  }

  /** Event after event, until the log's end, a failure or the turn's end. */
  private async followLine(): Promise<boolean> {
    const { db } = this.deps;
    const { endpoint } = this.turn;
    const { accountId } = endpoint;
    if (!(await extendLease(db.knex, this.turn, this.leaseEnd()))) return false;
    let isWished: ((type: string) => boolean) | undefined;
    for (;;) {
      const place = { accountId, sinceId: this.cursor };
      const [events] = await readEvents(db, [place], PAGE);
      for (const event of events!) {
        if (!passesFilters(endpoint, event)) continue;
        isWished ??= await wishesFor(db.knex, endpoint);
        if (!isWished(event.type)) continue;
        if (!(await this.deliver(event))) return false;
        if (this.isOver()) return true; // the next turn passes over what nobody wants
      }
      const last = events!.at(-1)?.eventId ?? this.cursor;
      if (last > this.cursor && !(await this.pass(last))) return false;
      if (events!.length < PAGE) return false;
      if (this.isOver()) return true;
    }
  }

  /** Goes on behind events that the endpoint does not want. */
  private async pass(eventId: bigint): Promise<boolean> {
    return await this.advance(this.deps.db.knex, {
      cursor: String(eventId),
      leased_until: this.leaseEnd(),
    });
  }

  private async advance(trx: Knex, progress: Progress & { cursor: string }): Promise<boolean> {
    const mayGoOn = await advance(trx, this.turn, this.cursor, progress);
    this.cursor = BigInt(progress.cursor);
    return mayGoOn;
  }

  /** @returns whether to go on with the next event */
  private async deliver(event: EventView): Promise<boolean> {
    const { db, now } = this.deps;
    const attemptedAt = now();
    if (this.head.attempts === 0) notificationsQueued.inc(CHANNEL);
    const message = eventMessage(this.turn.endpoint.accountId, event);
    const tried = { event, attemptedAt, attempt: await this.post(message, attemptedAt, event) };
    if (tried.attempt.failure !== null) return await this.fail(tried);
    const doneAt = now();
    const mayGoOn = await db.knex.transaction(async (trx) => {
      const isOurs = await this.advance(trx, {
        ...this.behind(event.eventId),
        failing_since: null,
        last_success_at: doneAt,
      });
      await this.log(trx, tried, 'delivered');
      return isOurs;
    });
    this.head = { attempts: 0, headFailingSince: null, failingSince: null };
    const ageMs = Math.max(0, doneAt.getTime() - event.occurredAt.getTime());
    notificationLatency.observe(CHANNEL, ageMs / 1_000);
    return mayGoOn;
  }

  /** The line goes on with the next event. */
  private behind(eventId: bigint) {
    return {
      cursor: String(eventId),
      attempts: 0,
      head_failing_since: null,
      leased_until: this.leaseEnd(),
    };
  }

  /** Decides what becomes of an event that was not taken. @returns as `deliver` */
  private async fail(tried: Tried): Promise<boolean> {
    const { log, terms, now } = this.deps;
    const { event, attempt, attemptedAt } = tried;
    const attempts = this.head.attempts + 1;
    const headFailingSince = this.head.headFailingSince ?? attemptedAt;
    const failingSince = this.head.failingSince ?? attemptedAt;
    this.head = { attempts, headFailingSince, failingSince };
    log.info('a webhook was not taken', {
      endpoint_id: this.turn.endpoint.id,
      event_id: event.eventId,
      attempts,
      reason: attempt.error,
    });
    const passedMs = (since: Date) => now().getTime() - since.getTime();
    if (attempt.status === GONE) return await this.turnOff('gone', tried);
    if (passedMs(failingSince) >= terms.disableMs) return await this.turnOff('failing', tried);
    if (passedMs(headFailingSince) >= terms.giveUpMs) return await this.bury(tried);
    await this.putOff(tried);
    return false;
  }

  /** The line waits: what comes behind must not overtake. */
  private async putOff(tried: Tried): Promise<void> {
    const { db, terms, now } = this.deps;
    const { attempts, headFailingSince, failingSince } = this.head;
    const { status, retryAfter } = tried.attempt;
    const retryAfterMs = status === null ? null : readRetryAfter(status, retryAfter, now());
    const pause = { attempts, retryAfterMs, random: Math.random() };
    await db.knex.transaction(async (trx) => {
      await this.advance(trx, {
        cursor: String(tried.event.eventId - 1n),
        attempts,
        head_failing_since: headFailingSince,
        failing_since: failingSince,
        due_at: nextAttemptAt(terms, pause, now()),
      });
      await this.log(trx, tried, 'retrying');
    });
  }

  /** Gives one event up after days. */
  private async bury(tried: Tried): Promise<boolean> {
    const { db, nudgeNotifications } = this.deps;
    const { accountId } = this.turn.endpoint;
    const { eventId } = tried.event;
    const { failingSince } = this.head;
    const mayGoOn = await db.knex.transaction(async (trx) => {
      const progress = { ...this.behind(eventId), failing_since: failingSince };
      const isOurs = await this.advance(trx, progress);
      await this.log(trx, tried, 'dead');
      await fallBackToMail(trx, { accountId, eventId });
      return isOurs;
    });
    this.head = { attempts: 0, headFailingSince: null, failingSince };
    webhooksDead.inc();
    nudgeNotifications();
    return mayGoOn;
  }

  /** Nobody is there. The endpoint's place in the log is kept: its owner may turn it on again. */
  private async turnOff(reason: 'gone' | 'failing', tried: Tried): Promise<false> {
    const { db, sealer, log, now, nudgeNotifications } = this.deps;
    const { endpoint } = this.turn;
    const sinceId = tried.event.eventId - 1n;
    const waiting = await firstWanted(db, endpoint, sinceId);
    const isDone = await db.knex.transaction(async (trx) => {
      const stopped = { cursor: String(sinceId), failing_since: this.head.failingSince };
      const isOurs = await turnOff(trx, this.turn, this.cursor, { ...stopped, reason, at: now() });
      await this.log(trx, tried, 'retrying');
      if (isOurs) await announceDisabled(trx, sealer, endpoint, { reason, sinceId, waiting });
      return isOurs;
    });
    if (!isDone) return false; // its owner was quicker
    webhooksDisabled.inc({ reason });
    log.warn('a webhook endpoint was turned off', { endpoint_id: endpoint.id, reason });
    nudgeNotifications();
    return false;
  }

  /** A test, or a dead event that is sent again: one attempt, and it says whether that was taken. */
  private async sendQueued(delivery: Delivery): Promise<void> {
    const { db, now } = this.deps;
    const message = await this.queuedMessage(delivery);
    notificationsQueued.inc(CHANNEL);
    const attemptedAt = now();
    const attempt = await this.post(message, attemptedAt);
    await logQueued(db.knex, delivery.id, attempt, { attemptedAt, now: now() });
  }

  private async queuedMessage({ id, eventId, createdAt }: Delivery): Promise<Message> {
    const { endpoint } = this.turn;
    if (eventId === null) return testMessage(id, endpoint.id, createdAt);
    const { accountId } = endpoint;
    const place = { accountId, sinceId: eventId - 1n, untilId: eventId };
    const [events] = await readEvents(this.deps.db, [place], 1);
    return eventMessage(accountId, events![0]!);
  }

  /** One attempt; the pause after it keeps the endpoint to its messages a second. */
  private async post(
    { id, body }: Message,
    sentAt: Date,
    event: EventView | null = null,
  ): Promise<Attempt> {
    const { db, sender, terms } = this.deps;
    const { endpoint } = this.turn;
    const ready = sleep(Math.ceil(1_000 / terms.perSecond));
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'BrokerX-Webhooks/1',
      ...signatureHeaders(this.secrets, { id, sentAt, body }),
    };
    const attempt = await traceAttempt(db.knex, endpoint.id, event, () =>
      sender.post(endpoint.url, headers, body),
    );
    webhookAttempts.inc({ outcome: attempt.failure ?? 'taken' });
    webhookRequestTime.observe(attempt.durationMs / 1_000);
    if (attempt.failure === null) notificationsSent.inc(CHANNEL);
    else notificationsFailed.inc({ ...CHANNEL, reason: attempt.failure });
    await ready;
    return attempt;
  }

  private async log(
    trx: Knex,
    { event: { eventId, type }, attempt, attemptedAt }: Tried,
    status: DeliveryStatus,
  ): Promise<void> {
    const { id: endpointId, accountId } = this.turn.endpoint;
    const logged = { endpointId, eventId, type, messageId: messageIdOf(accountId, eventId) };
    const times = { attemptedAt, now: this.deps.now() };
    await logAttempt(trx, logged, status, attempt, times);
  }
}
