import type { Container } from '../src/container.js';
import { BandWork } from '../src/market/band-work.js';
import { startLeader } from './leader.js';
import { ADVISORY_LOCKS } from '../src/advisory-locks.js';

const EVERY_MS = 1_000;

/**
 * Looks after the price bands until stopped, in one of all processes with this role. By a clock of its
 * own and not by a BullMQ schedule: a halt is lifted in time also while Redis is away.
 * @returns stops it
 */
export function startPriceBands(
  container: Pick<Container, 'config' | 'log' | 'db' | 'nudges'>,
): () => Promise<void> {
  const { config, log, db, nudges } = container;
  const { marketHours } = config;
  const nudge = (shards: readonly number[]): void => nudges.shards(shards);
  const work = new BandWork({ knex: db.knex, marketHours, log, nudge });
  return startLeader(container, {
    name: 'the price bands',
    lock: ADVISORY_LOCKS.priceBandsLeader,
    everyMs: EVERY_MS,
    step: () => work.run(new Date()),
  });
}
