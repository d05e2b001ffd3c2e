import type { Redis } from 'ioredis';

/** The channel on which every process hears of new events; a message is a JSON array of account ids. */
export const EVENTS_CHANNEL = 'brokerx:events';

/**
 * Tells every API process that accounts have new events. A hint only: whoever listens reads the log,
 * and reads it now and then anyway, so a lost hint delays and never loses.
 */
export class EventBell {
  constructor(private readonly redis: Redis) {}

  /** Call it after the commit. Returns at once and never throws. */
  ring(accountIds: readonly string[]): void {
    if (accountIds.length === 0 || this.redis.status !== 'ready') return;
    this.redis.publish(EVENTS_CHANNEL, JSON.stringify(accountIds)).catch(() => undefined);
  }
}
