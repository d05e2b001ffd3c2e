import { once } from 'node:events';
import { expect } from 'chai';
import { openQueue } from '../../src/queue/queues.js';
import { connectRedis, producerOptions } from '../../src/redis.js';
import { createTestRedis, type TestRedis } from '../support/redis.js';

describe('a queue that is opened while Redis is away', () => {
  let redis: TestRedis;

  before(async () => (redis = await createTestRedis()));
  after(() => redis.close());

  it('takes jobs once Redis is there', async () => {
    const connection = connectRedis(redis.url, producerOptions, () => undefined); // later than this
    const queue = openQueue('test', connection);
    try {
      const early = await queue.add('job', {}).catch((error: unknown) => error);
      expect(early).to.be.instanceOf(Error);
      if (connection.status !== 'ready') await once(connection, 'ready');
      expect((await queue.add('job', {})).id).to.be.a('string');
      expect(await queue.getWaitingCount()).to.equal(1);
    } finally {
      connection.disconnect();
    }
  });
});
