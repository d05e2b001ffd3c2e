import type { Container } from '../src/container.js';
import { marketStepAt } from '../src/market/metrics.js';
import { createSimulator } from '../src/market/simulator.js';
import { startLeader } from './leader.js';
import { ADVISORY_LOCKS } from '../src/advisory-locks.js';

const STEP_EVERY_MS = 1_000;

/**
 * Runs the simulated market until stopped, in one of all processes with this role.
 * @returns when the first quotes of this process are in, and how to stop
 */
export function startMarket(container: Container): {
  quoted: Promise<void>;
  stop: () => Promise<void>;
} {
  const simulator = createSimulator(container);
  let resolveQuoted = () => {};
  const quoted = new Promise<void>((resolve) => (resolveQuoted = resolve));
  const stopLeading = startLeader(container, {
    name: 'the simulated market',
    lock: ADVISORY_LOCKS.marketLeader,
    everyMs: STEP_EVERY_MS,
    async step() {
      await simulator.step();
      marketStepAt.set(Date.now() / 1_000);
      resolveQuoted();
    },
  });
  const stop = async (): Promise<void> => {
    await stopLeading();
    simulator.stop();
  };
  return { quoted, stop };
}
