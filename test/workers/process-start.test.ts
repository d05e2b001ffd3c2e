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
      const owner = connectDatabase(databaseUrl, 'test', 1);
      const refusal = () => requireDurablePostgres(owner.knex).catch((error: unknown) => error);
      expect(String(await refusal())).not.to.include('synchronous_commit');
      await owner.knex.raw('set synchronous_commit = off');
      expect(String(await refusal())).to.match(/but these are off: .*synchronous_commit/);
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

  it('refuses in production what lets webhooks be posted to anywhere', () => {
    const secret = 'x'.repeat(32);
    const env = {
      DATABASE_URL: 'postgres://127.0.0.1/db',
      REDIS_URL: 'redis://127.0.0.1',
      JWT_SECRET: secret,
      SECRETS_KEY: secret,
      PAYMENT_PROVIDER_SECRET: secret,
    };
    for (const name of ['WEBHOOKS_ALLOW_HTTP', 'WEBHOOKS_ALLOW_PRIVATE']) {
      expect(readConfig({ ...env, [name]: 'on' }).nodeEnv, name).to.equal('development');
      expect(() => readConfig({ ...env, [name]: 'on', NODE_ENV: 'production' })).to.throw(name);
    }
  });

  it('names a setting of the market that is out of range, and what is allowed', () => {
    const env = { DATABASE_URL: 'postgres://127.0.0.1/db', REDIS_URL: 'redis://127.0.0.1' };
    for (const [name, value, allowed] of [
      ['MARKET_SEED', 'a b', 'fails to match'],
      ['MARKET_REPLAY_SPEED', '0', 'greater than or equal to 0.01'],
      ['MARKET_REPLAY_REPEAT', 'yes', 'one of [on, off]'],
      ['MARKET_MAKER_INVENTORY_MAX', '1', 'greater than or equal to 1000'],
      ['MARKET_MINUTES_KEPT_DAYS', '1', 'greater than or equal to 2'],
    ] as const) {
      expect(() => readConfig({ ...env, [name]: value }))
        .to.throw(`${name} was`)
        .with.property('message')
        .that.includes(allowed);
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
