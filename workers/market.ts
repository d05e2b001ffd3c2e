import type { Container } from '../src/container.js';
import { MarketMaker } from '../src/market/market-maker.js';
import { MarketSimulator } from '../src/market/simulator.js';
import { startLeader } from './leader.js';

const STEP_EVERY_MS = 1_000;
const LEADER_LOCK = 7_270_001;

/**
 * Runs the simulated market until stopped, in one of all processes with this role.
 * @returns when the first quotes of this process are in, and how to stop
 */
export function startMarket(container: Container): {
  quoted: Promise<void>;
  stop: () => Promise<void>;
} {
  const { db, catalog, intake, log } = container;
  const maker = new MarketMaker(db, intake, log);
  const simulator = new MarketSimulator(db, catalog, maker, Math.random);
  let resolveQuoted = () => {};
  const quoted = new Promise<void>((resolve) => (resolveQuoted = resolve));
  const stop = startLeader(container, {
    name: 'the simulated market',
    lock: LEADER_LOCK,
    everyMs: STEP_EVERY_MS,
    async step() {
      await simulator.step();
      resolveQuoted();
    },
  });
  return { quoted, stop };
}
