import { setTimeout as sleep } from 'node:timers/promises';
import { context, type Context } from '@opentelemetry/api';
import type { DeduplicationOptions, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from '../log.js';
import { nudgeFailures } from '../metrics.js';
import {
  MAILS_QUEUE,
  NOTIFICATIONS_QUEUE,
  openQueue,
  shardQueueName,
  TRANSFERS_QUEUE,
  WEBHOOKS_QUEUE,
  type DeliverWebhooksJob,
  type DeadMailJob,
  type ExecuteShardJob,
} from './queues.js';

/** A nudge that takes longer is given up; the sweeper makes up for it. */
const ADD_TIMEOUT_MS = 1_500;
/** Facts are gathered for a moment: under load many orders share a transaction. */
const NOTIFICATION_DELAY_MS = 500;
/** Windows that end within the same tick share the job at its end. */
const GATHER_TICK_MS = 500;
const SWEEP_AGAIN_AFTER_MS = 5_000;
/** Longer than a turn with an endpoint may take. */
const SWEEP_WEBHOOKS_AGAIN_AFTER_MS = 10_000;
/** After ringing for several shards, that is under load, the next ring waits to gather more. */
const RING_PAUSE_MS = 40;

/**
 * Tells the workers that there is work. Every call returns at once and never throws: Postgres holds
 * the work, Redis is only the doorbell. While one ring is under way further calls gather for the
 * next, and at most one job a shard waits in its queue (one more may be active).
 */
export class Nudges {
  readonly shardQueues: Queue<ExecuteShardJob>[];
  readonly notificationQueue: Queue;
  readonly mailQueue: Queue;
  readonly transferQueue: Queue;
  readonly webhookQueue: Queue<DeliverWebhooksJob>;
  /** Shards, and where they were asked for: whoever rings for them may be in another trace. */
  private readonly waiting = new Map<number, Context>();
  private ringing = false;
  private notifying = false;
  private mailing = false;

  constructor(
    shards: number,
    redis: Redis,
    private readonly log: Logger,
  ) {
    this.shardQueues = Array.from({ length: shards }, (_, shard) =>
      openQueue<ExecuteShardJob>(shardQueueName(shard), redis),
    );
    this.notificationQueue = openQueue(NOTIFICATIONS_QUEUE, redis);
    this.mailQueue = openQueue(MAILS_QUEUE, redis);
    this.transferQueue = openQueue(TRANSFERS_QUEUE, redis);
    this.webhookQueue = openQueue<DeliverWebhooksJob>(WEBHOOKS_QUEUE, redis);
  }

  /** There is new work on these shards. Call it after the commit. */
  shards(shards: readonly number[]): void {
    const asked = context.active();
    for (const shard of shards) if (!this.waiting.has(shard)) this.waiting.set(shard, asked);
    if (!this.ringing) void this.ring();
  }

  /** There are new facts for messages. Call it after the commit. */
  notifications(): void {
    if (this.notifying) return;
    this.notifying = true;
    const added = this.notificationQueue.add(
      'gather',
      {},
      { delay: NOTIFICATION_DELAY_MS, deduplication: { id: 'gather', keepLastIfActive: true } },
    );
    void this.settle(NOTIFICATIONS_QUEUE, added).then(() => (this.notifying = false));
  }

  /** Facts that wait for further ones are due at a time. */
  notificationsAt(time: Date): void {
    const tick = Math.ceil(time.getTime() / GATHER_TICK_MS);
    const delay = Math.max(0, tick * GATHER_TICK_MS - Date.now());
    const deduplication = { id: `gather at ${tick}` };
    const added = this.notificationQueue.add('gather', {}, { delay, deduplication });
    void this.settle(NOTIFICATIONS_QUEUE, added);
  }

  /** There are mails to send. Call it after the commit. */
  mails(): void {
    if (this.mailing) return;
    this.mailing = true;
    const deduplication = { id: 'send', keepLastIfActive: true };
    const added = this.mailQueue.add('send', {}, { deduplication });
    void this.settle(MAILS_QUEUE, added).then(() => (this.mailing = false));
  }

  /** A mail was given up: shows it on Bull Board. */
  deadMail(letter: DeadMailJob): void {
    void this.settle(MAILS_QUEUE, this.mailQueue.add('dead', letter));
  }

  /** There are transfers to send to the payment provider. Call it after the commit. */
  transfers(): void {
    const deduplication = { id: 'submit', keepLastIfActive: true };
    void this.settle(TRANSFERS_QUEUE, this.transferQueue.add('submit', {}, { deduplication }));
  }

  /** There may be something for these endpoints: at most one job of each waits. */
  webhooks(endpointIds: readonly string[]): void {
    for (const endpointId of endpointIds) {
      this.addWebhook(endpointId, { id: endpointId, keepLastIfActive: true });
    }
  }

  /** The same for endpoints that are due, also by a way of its own: see `sweep`. */
  sweepWebhooks(endpointIds: readonly string[]): void {
    this.webhooks(endpointIds);
    for (const endpointId of endpointIds) {
      const id = `sweep-${endpointId}`;
      this.addWebhook(endpointId, { id, ttl: SWEEP_WEBHOOKS_AGAIN_AFTER_MS });
    }
  }

  private addWebhook(endpointId: string, deduplication: DeduplicationOptions): void {
    const added = this.webhookQueue.add('deliver', { endpointId }, { deduplication });
    void this.settle(WEBHOOKS_QUEUE, added);
  }

  /**
   * Nudges a shard whose work has waited too long, by a way of its own: whatever became of the jobs
   * that were to do it, this one does not depend on them.
   */
  async sweep(shard: number): Promise<void> {
    const deduplication = { id: 'sweep', ttl: SWEEP_AGAIN_AFTER_MS };
    const queue = this.shardQueues[shard];
    if (queue) await this.settle(queue.name, queue.add('execute', { shard }, { deduplication }));
  }

  private async ring(): Promise<void> {
    this.ringing = true;
    while (this.waiting.size > 0) {
      const shards = [...this.waiting];
      this.waiting.clear();
      await Promise.all(
        shards.map(([shard, asked]) => context.with(asked, () => this.nudge(shard))),
      );
      if (shards.length > 1) await sleep(RING_PAUSE_MS);
    }
    this.ringing = false;
  }

  private nudge(shard: number): Promise<void> {
    const queue = this.shardQueues[shard];
    if (!queue) return Promise.resolve();
    const deduplication = { id: 'execute', keepLastIfActive: true };
    return this.settle(queue.name, queue.add('execute', { shard }, { deduplication }));
  }

  private async settle(queue: string, added: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((_, reject) => {
      timer = setTimeout(reject, ADD_TIMEOUT_MS, new Error('Redis did not answer'));
    });
    try {
      await Promise.race([added, late]);
    } catch (error) {
      added.catch(() => undefined);
      nudgeFailures.inc({ queue });
      this.log.debug('nudge failed', { queue, error });
    } finally {
      clearTimeout(timer);
    }
  }
}
