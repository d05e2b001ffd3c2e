import { expect } from 'chai';
import fc from 'fast-check';
import { proveLedger } from '../../src/ledger/proof.js';
import { startTrading, type Trading } from '../support/trading.js';
import { FEE_BPS } from './order-model/model-order.js';
import { commands } from './order-model/order-commands.js';
import { OrderLane } from './order-model/order-lane.js';

/** One lane each: the sequences of a lane follow each other, the lanes go on side by side. */
const SYMBOLS = ['AAPL', 'MSFT', 'NVDA', 'AMZN', 'GOOGL', 'META'];
const RUNS_PER_LANE = 90;
/** Shrinking a failure takes a while; what it has by then is reported. */
const TIME_LIMIT_MS = 150_000;

describe('the order core and a simple model of it', function () {
  this.timeout(300_000);

  it('agree on every order, balance and book, whatever is asked for', async () => {
    const trading = await startTrading(1, { FEE_BPS: String(FEE_BPS) });
    const seed = Number(process.env['BROKERX_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    try {
      trading.container.catalog.stop(); // prices are read when the test says so
      const lanes = SYMBOLS.map((symbol) => new OrderLane(trading, symbol));
      const outcomes = await Promise.allSettled(lanes.map((lane, n) => check(lane, seed + n)));
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') continue;
        throw new Error(`BROKERX_TEST_SEED=${seed} repeats it`, { cause: outcome.reason });
      }
      const sequences = lanes.reduce((sum, { counts }) => sum + counts.get('sequence')!, 0);
      process.stdout.write(`      ${sequences} sequences, BROKERX_TEST_SEED=${seed}\n`);
      expectEnough(lanes);
      await expectBalanced(trading);
    } finally {
      await trading.stop();
    }
  });
});

const check = (lane: OrderLane, seed: number): Promise<void> =>
  fc.assert(
    fc.asyncProperty(commands, (sequence) => lane.run(sequence)),
    { seed, numRuns: RUNS_PER_LANE, interruptAfterTimeLimit: TIME_LIMIT_MS },
  );

/** Or the sequences would no longer be about anything. */
function expectEnough(lanes: readonly OrderLane[]): void {
  const total = (name: string) =>
    lanes.reduce((sum, { counts }) => sum + (counts.get(name) ?? 0), 0);
  expect(total('sequence')).to.be.at.least(500);
  for (const status of ['filled', 'partially_filled', 'canceled', 'replaced', 'rejected', 'held']) {
    expect(total(status), status).to.be.at.least(50);
  }
  for (const type of ['stop', 'stop_limit', 'trailing_stop', 'triggered', 'notional filled']) {
    expect(total(type), type).to.be.at.least(20);
  }
  expect(total('replaced before its turn')).to.be.at.least(20);
}

async function expectBalanced({ container }: Trading): Promise<void> {
  expect(await proveLedger(container.db.knex)).to.include({
    balanced: true,
    mismatchedBalances: 0,
  });
}
