import type { Redis } from 'ioredis';

/** The channel on which every process hears of new events; a message is a JSON array of account ids. */
export const EVENTS_CHANNEL = 'brokerx:events';

/** The same for new messages; a message is a JSON array of client ids. */
export const MESSAGES_CHANNEL = 'brokerx:messages';
/** Stands for everybody. */
export const EVERYBODY = '*';

/**
 * Tells other processes that there is something new about accounts, clients, or assets. A hint only: whoever
 * listens reads what it is about, and reads it now and then anyway, so a lost hint delays and never
 * loses.
 */
export class EventBell {
  constructor(
    private readonly redis: Redis,
    private readonly channel: string,
  ) {}

  /** Call it after the commit. Returns at once and never throws. */
  ring(ids: readonly string[]): void {
    if (ids.length === 0 || this.redis.status !== 'ready') return;
    this.redis.publish(this.channel, JSON.stringify(ids)).catch(() => undefined);
  }
}

/** What a hint names, for whoever listens; nothing when it is not one of ours. */
export function idsOfHint(message: string): string[] {
  try {
    const ids: unknown = JSON.parse(message);
    return Array.isArray(ids) ? (ids as string[]) : [];
  } catch {
    return [];
  }
}
