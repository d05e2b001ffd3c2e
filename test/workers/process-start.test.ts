import { expect } from 'chai';
import { startTrading } from '../support/trading.js';
import { connectDatabase, requireDurablePostgres } from '../../src/db.js';
import { readConfig } from '../../src/config.js';
import { createContainer } from '../../src/container.js';
import { shardQueueName } from '../../src/queue/queues.js';

describe('the start of a process', () => {
  it('refuses a Postgres that may lose commits', async () => {
    const trading = await startTrading(1);
    const { databaseUrl } = trading.container.config;
    try {
      await requireDurablePostgres(trading.container.db.knex);
      const owner = connectDatabase(databaseUrl, 'test', 1);
      await owner.knex.raw('set synchronous_commit = off');
      const error: unknown = await requireDurablePostgres(owner.knex).catch((e: unknown) => e);
      expect(String(error)).to.match(/these are off: synchronous_commit/);
      await owner.close();
    } finally {
      await trading.stop();
    }
  });

  it('refuses in production each secret that everybody knows', () => {
    const secret = 'x'.repeat(32);
    const env = {
      NODE_ENV: 'production',
      DATABASE_URL: 'postgres://127.0.0.1/db',
      REDIS_URL: 'redis://127.0.0.1',
      JWT_SECRET: secret,
      SECRETS_KEY: secret,
      PAYMENT_PROVIDER_SECRET: secret,
    };
    expect(readConfig(env).nodeEnv).to.equal('production');
    for (const name of ['JWT_SECRET', 'SECRETS_KEY', 'PAYMENT_PROVIDER_SECRET']) {
      expect(() => readConfig({ ...env, [name]: '' }), name).to.throw(`${name} is the development`);
    }
  });

  it('serves every shard that an asset is on, also when SHARDS is lower now', async () => {
    const trading = await startTrading(1);
    const fewer = await createContainer({ ...trading.container.config, shards: 2 }, 'test');
    try {
      const names = fewer.nudges.shardQueues.map(({ name }) => name);
      for (const { shard } of fewer.catalog.all()) expect(names).to.include(shardQueueName(shard));
    } finally {
      await fewer.close();
      await trading.stop();
    }
  });
});
