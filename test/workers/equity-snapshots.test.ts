import { expect } from 'chai';
import { takeSnapshots, thinSnapshots } from '../../src/portfolio/snapshots.js';
import { startTrading, usd, type Trading } from '../support/trading.js';
import { runUpkeep } from '../support/upkeep.js';

interface Snapshot {
  accountId: string;
  takenAt: Date;
  equity: bigint;
}

describe('snapshots of what accounts are worth', () => {
  let trading: Trading;
  const now = new Date('2030-03-15T15:30:00Z');

  beforeEach(async () => {
    trading = await startTrading(2);
  });
  afterEach(() => trading.stop());

  const knex = () => trading.container.db.knex;
  const snapshots = (): Promise<Snapshot[]> =>
    knex()('equity_snapshots')
      .orderBy('taken_at')
      .select({ accountId: 'account_id', takenAt: 'taken_at', equity: 'equity' });
  const account = (index: number) => trading.accounts[index]!.account_id;
  const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
  const record = (takenAt: Date, index = 0) =>
    knex()('equity_snapshots').insert({
      account_id: account(index),
      taken_at: takenAt,
      equity: '1',
    });
  const times = async (): Promise<string[]> =>
    (await snapshots()).map(({ takenAt }) => takenAt.toISOString());

  it('are taken of every client, and again only of what has changed', async () => {
    expect(await takeSnapshots(knex(), minutesAgo(2))).to.equal(2);
    expect(await takeSnapshots(knex(), minutesAgo(1))).to.equal(0);
    await trading.place({ account: 1, side: 'sell', qty: '1', price: '155' });
    await trading.place({ account: 0, side: 'buy', qty: '1', price: '155' });
    await trading.settle(); // AAPL's last price goes from 150 to 155
    expect(await takeSnapshots(knex(), now)).to.equal(2);
    const taken = await snapshots();
    expect(taken.map(({ equity }) => equity)).to.deep.equal([
      usd('1260000'),
      usd('1260000'),
      usd('1265000'),
      usd('1265000'),
    ]);
    expect(new Set(taken.map(({ accountId }) => accountId))).to.deep.equal(
      new Set([account(0), account(1)]),
    );
  });

  it('are taken once however often the job runs', async () => {
    await Promise.all(Array.from({ length: 4 }, () => takeSnapshots(knex(), now)));
    expect(await snapshots()).to.have.lengthOf(2);
  });

  it('are left as they are for 7 days', async () => {
    for (const minutes of [1, 2, 3, 7 * 1_440]) await record(minutesAgo(minutes));
    expect(await thinSnapshots(knex(), now, 'always')).to.equal(0);
  });

  it('are thinned out to the last of every 15 minutes after that', async () => {
    for (const time of [
      '2030-03-07T10:00:00Z',
      '2030-03-07T10:00:01Z',
      '2030-03-07T10:14:59Z',
      '2030-03-07T10:15:00Z',
      '2030-03-07T10:20:00Z',
      '2030-03-07T10:40:00Z',
    ]) {
      await record(new Date(time));
    }
    await record(new Date('2030-03-07T10:10:00Z'), 1); // another account's is none of theirs
    expect(await thinSnapshots(knex(), now, 'always')).to.equal(2);
    expect(await thinSnapshots(knex(), now, 'always')).to.equal(0);
    expect(await times()).to.deep.equal([
      '2030-03-07T10:00:00.000Z',
      '2030-03-07T10:10:00.000Z',
      '2030-03-07T10:15:00.000Z',
      '2030-03-07T10:20:00.000Z',
      '2030-03-07T10:40:00.000Z',
    ]);
  });

  it('are thinned out to those at the closes after 30 days', async () => {
    const recorded = [
      '2030-02-08T15:00:00Z', // a Friday
      '2030-02-08T20:59:00Z',
      '2030-02-08T21:00:00Z', // the NYSE's close
      '2030-02-08T21:15:00Z',
      '2030-02-09T23:45:00Z',
      '2030-02-11T20:30:00Z', // Monday
      '2030-02-12T02:00:00Z',
    ];
    for (const time of recorded) await record(new Date(time));
    await thinSnapshots(knex(), now, 'nyse');
    expect(await times()).to.deep.equal([
      '2030-02-08T21:00:00.000Z',
      '2030-02-11T20:30:00.000Z',
      '2030-02-12T02:00:00.000Z',
    ]);
    await knex()('equity_snapshots').delete();
    for (const time of recorded) await record(new Date(time));
    await thinSnapshots(knex(), now, 'always');
    expect(await times()).to.deep.equal([
      '2030-02-08T21:15:00.000Z',
      '2030-02-09T23:45:00.000Z',
      '2030-02-11T20:30:00.000Z',
      '2030-02-12T02:00:00.000Z',
    ]);
  });

  it('are taken and thinned by the scheduled upkeep', async () => {
    await record(new Date(Date.now() - 8 * 86_400_000 - 1_000));
    await runUpkeep('equity-snapshots', trading);
    expect(await snapshots()).to.have.lengthOf(3);
    await runUpkeep('equity-retention', trading);
    expect(await snapshots()).to.have.lengthOf(3);
  });
});
