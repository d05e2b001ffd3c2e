import type { Container } from '../src/container.js';
import { marketTapeLag } from '../src/market/metrics.js';
import { advanceTape } from '../src/market/tape.js';
import { startLeader } from './leader.js';

const LOOK_EVERY_MS = 250;
const LEADER_LOCK = 7_270_003;

/**
 * Adds the trades up to bars until stopped, in one of all processes with this role.
 * @returns stops it
 */
export function startMarketData(
  container: Pick<Container, 'config' | 'log' | 'db'>,
): () => Promise<void> {
  const { config, db } = container;
  let caughtUpAt: number | undefined;
  const tellLag = () =>
    marketTapeLag.set(caughtUpAt === undefined ? 0 : (Date.now() - caughtUpAt) / 1_000);

  /** Until nothing is left, or somebody must wait for the stop. */
  const catchUp = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const lookedAt = Date.now();
      const { hasMore } = await advanceTape(db.knex, config.marketHours);
      if (!hasMore) {
        caughtUpAt = lookedAt;
        return;
      }
      tellLag();
    }
  };
  return startLeader(container, {
    name: 'the tape of trades',
    lock: LEADER_LOCK,
    everyMs: LOOK_EVERY_MS,
    async step(signal) {
      caughtUpAt ??= Date.now();
      try {
        await catchUp(signal);
      } finally {
        tellLag();
      }
    },
  });
}
