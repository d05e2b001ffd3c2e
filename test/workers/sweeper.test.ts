import { expect } from 'chai';
import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.js';
import { createTestRedis, type TestRedis } from '../support/redis.js';
import { startTrading, type Trading } from '../support/trading.js';
import { MAINTENANCE_QUEUE, openQueue } from '../../src/queue/queues.js';
import { sweep } from '../../src/queue/sweeper.js';
import { ensureSchedules } from '../../workers/maintenance.js';

describe('the sweeper', () => {
  let redis: TestRedis;
  let trading: Trading;
  let direct: Redis;

  before(async () => {
    redis = await createTestRedis();
    direct = new Redis(redis.url);
    trading = await startTrading(1, { REDIS_URL: redis.url });
    await trading.place({ account: 0, side: 'buy', qty: '1', price: '1' });
  });
  after(async () => {
    await trading.stop();
    direct.disconnect();
    await redis.close();
  });

  const shard = () => trading.container.catalog.find('AAPL')!.shard;
  const waitingJobs = () => trading.container.nudges.shardQueues[shard()]!.getWaitingCount();

  it('rings again for work whose nudge is lost, and only once it is overdue', async () => {
    const { db, nudges } = trading.container;
    await eventually(async () => {
      expect(await waitingJobs()).to.equal(1);
    });
    await direct.flushall();
    expect(await sweep(db.knex, nudges)).to.deep.equal([]);
    await db.knex('work_items').update({ created_at: new Date(Date.now() - 5_000) });
    expect(await sweep(db.knex, nudges)).to.deep.equal([shard()]);
    expect(await waitingJobs()).to.equal(1);
    await sweep(db.knex, nudges);
    expect(await waitingJobs(), 'no second job while the first waits').to.equal(1);
  });

  it('is scheduled again when Redis has forgotten it', async () => {
    const queue = openQueue(MAINTENANCE_QUEUE, trading.container.redis);
    await ensureSchedules(queue);
    await direct.flushall();
    expect(await queue.getJobScheduler('sweep')).to.equal(undefined);
    await ensureSchedules(queue);
    expect(await queue.getJobScheduler('sweep')).to.include({ every: 2_000 });
  });
});
