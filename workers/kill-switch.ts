import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Logger } from '../src/log.js';
import type { Nudges } from '../src/queue/nudges.js';
import { cancelKilled } from '../src/risk/kill-switch.js';

const EVERY_MS = 1_000;

export interface KillSwitchDeps {
  readonly knex: Knex;
  readonly nudges: Pick<Nudges, 'shards'>;
  readonly log: Logger;
}

/**
 * Looks every second whether a kill switch is on and an order still open. By a clock of its own and
 * not by a BullMQ schedule: a flushed Redis forgets those, and this must not take longer then.
 * @returns stops it
 */
export function startKillSwitchWatch({ knex, nudges, log }: KillSwitchDeps): () => Promise<void> {
  const stopping = new AbortController();
  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const added = await cancelKilled(knex, (shards) => nudges.shards(shards));
        if (added > 0) log.warn('the kill switch cancels orders', { orders: added });
      } catch (error) {
        log.warn('the kill switch could not be looked after', { error });
      }
      await sleep(EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const ended = watch();
  return () => {
    stopping.abort();
    return ended;
  };
}
