import { expect } from 'chai';
import { setTimeout } from 'node:timers/promises';
import { createContainer } from '../../src/container.js';
import { DomainError } from '../../src/errors.js';
import { GroupCommit } from '../../src/orders/group-commit.js';
import { shares, startTrading, toRequest, usd, type Trading } from '../support/trading.js';

describe('intake', () => {
  let trading: Trading;

  beforeEach(async () => {
    trading = await startTrading(4);
  });
  afterEach(() => trading.stop());

  it('commits the order, its hold, its work item and its event together', async () => {
    const order = await trading.place({ account: 0, side: 'buy', qty: '2', price: '150' });
    const { knex } = trading.container.db;
    expect(await trading.order(order)).to.include({ status: 'accepted', hold: usd('300') });
    expect(await trading.cash(0)).to.include({ held: usd('300') });
    expect(await knex('work_items')).to.have.length(1);
    expect(await knex('account_events')).to.have.length(1);
  });

  it('never holds more than there is, however many orders come at once', async () => {
    // 100,000 USD pay for 66 orders of 1,500; 1,000 shares for 100 of 10.
    const buys = Array.from({ length: 100 }, () =>
      trading.place({ account: 0, side: 'buy', qty: '10', price: '150' }),
    );
    const sells = Array.from({ length: 120 }, () =>
      trading.place({ account: 1, side: 'sell', qty: '10', price: '160' }),
    );
    const bought = (await Promise.allSettled(buys)).filter(({ status }) => status === 'fulfilled');
    const sold = (await Promise.allSettled(sells)).filter(({ status }) => status === 'fulfilled');
    expect(bought).to.have.length(66);
    expect(sold).to.have.length(100);
    expect(await trading.cash(0)).to.include({ held: usd('99000') });
    expect(await trading.position(1, 'AAPL')).to.include({ held: shares('1000') });
  });

  it('never holds more than there is when two API processes accept at once', async () => {
    const other = await createContainer(trading.container.config, 'test-other');
    try {
      const order = { account: 0, side: 'buy', qty: '10', price: '150' } as const;
      const answers = await Promise.allSettled(
        Array.from({ length: 100 }, async (_, index) => {
          const { intake } = index % 2 === 0 ? trading.container : other;
          await setTimeout(index % 7);
          return intake.place(toRequest(order, trading.accounts));
        }),
      );
      const refused = answers.filter((answer) => answer.status === 'rejected');
      expect(refused).to.have.length(34);
      for (const { reason } of refused) expect(reason).to.include({ kind: 'forbidden' });
      expect(await trading.cash(0)).to.include({ held: usd('99000') });
    } finally {
      await other.close();
    }
  });

  it('gives each of a batch its own answer: one refusal fails nobody else', async () => {
    const answers = await Promise.allSettled([
      trading.place({ account: 0, side: 'buy', qty: '1', price: '150' }),
      trading.place({ account: 0, side: 'buy', qty: '900', price: '150' }),
      trading.place({ account: 0, side: 'buy', qty: '1', price: '150' }),
    ]);
    expect(answers.map(({ status }) => status)).to.deep.equal([
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
  });

  it('numbers work in the order of acceptance', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      ids.push((await trading.place({ account: n % 4, side: 'buy', qty: '1', price: '1' })).id);
    }
    const rows = (await trading.container.db.knex('work_items').orderBy('id')) as {
      order_id: string;
    }[];
    expect(rows.map(({ order_id: id }) => id)).to.deep.equal(ids);
  });

  it('lets 64 clients work on 4 accounts, buying, selling and settling, without a deadlock', async () => {
    const client = async (index: number) => {
      for (let n = 0; n < 5; n++) {
        await trading.place({
          account: (index + n) % 4,
          side: (index + n) % 2 === 0 ? 'buy' : 'sell',
          qty: '0.1',
          ...(index % 3 === 0
            ? { symbol: 'AAPL', price: '150' }
            : { symbol: 'MSFT', price: '410' }),
        });
      }
    };
    const over = new AbortController();
    const settling = (async () => {
      while (!over.signal.aborted) await trading.settle();
    })();
    await Promise.all(Array.from({ length: 64 }, (_, index) => client(index)));
    over.abort();
    await settling;
    await trading.settle();
    expect(await trading.proof()).to.include({ balanced: true, mismatchedBalances: 0 });
  });

  it('holds a market buy at the collar and gives back what the price did not need', async () => {
    await trading.place({ account: 1, side: 'sell', qty: '1', price: '150' });
    await trading.settle();
    await trading.place({ account: 0, side: 'buy', qty: '1' });
    expect(await trading.cash(0)).to.include({ held: usd('157.5') });
    await trading.settle();
    expect(await trading.cash(0)).to.deep.equal({ cash: usd('99850'), held: 0n });
  });
});

describe('a group commit', () => {
  it('takes along whatever arrives while the commit before it is under way', async () => {
    const batches: number[][] = [];
    const commits = new GroupCommit<number, number>({
      commit: async (batch) => {
        batches.push(batch);
        await setTimeout(20);
        return batch;
      },
      maxBatch: 10,
      maxWaiting: 100,
      lanes: 1,
    });
    const first = commits.submit(0);
    await setTimeout(5);
    const rest = Array.from({ length: 15 }, (_, index) => commits.submit(index + 1));
    expect(await Promise.all([first, ...rest])).to.deep.equal(batches.flat());
    expect(batches.map(({ length }) => length)).to.deep.equal([1, 10, 5]);
  });

  it('finds the one that Postgres refuses, and commits the others', async () => {
    const commits = new GroupCommit<number, number>({
      commit: (batch) => {
        if (!batch.includes(2)) return Promise.resolve(batch);
        return Promise.reject(Object.assign(new Error('check violation'), { code: '23514' }));
      },
      maxBatch: 10,
      maxWaiting: 100,
      lanes: 1,
    });
    const answers = await Promise.allSettled([1, 2, 3].map((one) => commits.submit(one)));
    expect(answers.map(({ status }) => status)).to.deep.equal([
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
  });

  it('refuses at once when too many wait', async () => {
    const commits = new GroupCommit<number, number>({
      commit: () => new Promise(() => undefined),
      maxBatch: 1,
      maxWaiting: 2,
      lanes: 1,
    });
    for (let n = 0; n < 2; n++) void commits.submit(n);
    const error: unknown = await commits.submit(3).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(DomainError).and.include({ kind: 'unavailable' });
  });
});
