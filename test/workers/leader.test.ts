import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startLeader } from '../../workers/leader.js';
import { startMarketData } from '../../workers/market-data.js';
import { eventually } from '../support/eventually.js';
import { barsOf, tradesOf } from '../support/market-trades.js';
import { startTrading, type Trading } from '../support/trading.js';

const LOCK = 7_270_901;

const until = (check: () => unknown) =>
  eventually(() => {
    check();
    return Promise.resolve();
  });

describe('a leader', () => {
  let trading: Trading;
  before(async () => {
    trading = await startTrading(2);
  });
  after(() => trading.stop());

  it('is one of all that would be, and another when it goes', async () => {
    const steps: string[] = [];
    const start = (name: string) => {
      const step = () => Promise.resolve(void steps.push(name));
      return startLeader(trading.container, { name, lock: LOCK, everyMs: 5, step });
    };
    const stopFirst = start('first');
    await until(() => expect(steps).to.include('first'));
    const stopSecond = start('second');
    await sleep(100);
    await stopFirst();
    expect(steps).not.to.include('second');
    const led = steps.length;
    await until(() => expect(steps).to.include('second'));
    expect(steps.slice(led)).not.to.include('first');
    await stopSecond();
    const ended = steps.length;
    await sleep(50);
    expect(steps).to.have.lengthOf(ended);
  });

  it('goes on after a step that failed', async () => {
    let steps = 0;
    const step = () => {
      steps += 1;
      return steps === 1 ? Promise.reject(new Error('as the test has it')) : Promise.resolve();
    };
    const stop = startLeader(trading.container, { name: 'a test', lock: LOCK, everyMs: 5, step });
    await until(() => expect(steps).to.be.greaterThan(2));
    await stop();
  });

  it('adds up what is traded, with the role market-data', async () => {
    const stop = startMarketData(trading.container);
    await trading.place({ account: 0, side: 'sell', qty: '1.5', price: '150' });
    await trading.place({ account: 1, side: 'buy', qty: '1', price: '150' });
    await trading.settle();
    const { knex } = trading.container.db;
    await eventually(async () => {
      const [bar] = await knex('market_bars')
        .where({ timeframe: '1Min' })
        .select('volume', 'close');
      const [expected] = barsOf(await tradesOf(trading, 'AAPL'), '1Min');
      expect(bar).to.deep.equal({ volume: expected!.volume, close: expected!.close });
    });
    await stop();
  });
});
