import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTrading, type Trading } from '../support/trading.js';
import { startWatchdog } from '../../workers/watchdog.js';

const TIMES = { checkEveryMs: 20, deafAfterMs: 200 };

describe('the watchdog of a worker', () => {
  let trading: Trading;

  beforeEach(async () => {
    trading = await startTrading(1);
    await trading.place({ account: 0, side: 'buy', qty: '1', price: '1' });
  });
  afterEach(() => trading.stop());

  /** Why it would have ended the process, if it would have. */
  async function watch(redis: { status: 'ready' | 'reconnecting' }, idleMs: number) {
    const reasons: string[] = [];
    const { db, log } = trading.container;
    const exit = (reason: string) => reasons.push(reason);
    const executor = { idleMs };
    const stop = startWatchdog({ knex: db.knex, redis, executor, log, exit }, TIMES);
    await sleep(500);
    stop();
    return reasons;
  }

  it('ends a worker that is deaf: work is overdue, it settles nothing, Redis is there', async () => {
    expect((await watch({ status: 'ready' }, 1_000))[0]).to.match(/^work has waited \d+ ms/);
  });

  it('leaves a worker alone that settles', async () => {
    expect(await watch({ status: 'ready' }, 10)).to.deep.equal([]);
  });

  it('leaves a worker alone while Redis is away: a restart would not help', async () => {
    expect(await watch({ status: 'reconnecting' }, 1_000)).to.deep.equal([]);
  });

  it('leaves an idle worker alone when nothing waits', async () => {
    await trading.settle();
    expect(await watch({ status: 'ready' }, 1_000)).to.deep.equal([]);
  });
});
