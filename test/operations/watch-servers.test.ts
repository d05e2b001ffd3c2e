import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import type { EmbeddedServer } from '../../src/embedded/embedded-server.js';
import { freePort } from '../../src/embedded/free-port.js';
import { startRedis } from '../../src/embedded/redis.js';
import { createLogger } from '../../src/log.js';
import { redisPersistenceOk, redisUp } from '../../src/servers/metrics.js';
import { watchServers } from '../../src/servers/watch-servers.js';
import { eventually } from '../support/eventually.js';
import { createDataDir } from '../support/processes.js';
import { testServers } from '../support/servers.js';

const LOOK_EVERY_MS = 50;

describe('the watch over the servers', function () {
  this.timeout(60_000);
  let dataDir: string;
  let server: EmbeddedServer;
  let redis: Redis;
  let stopWatching: () => Promise<void>;

  before(async () => {
    dataDir = await createDataDir();
    server = await startRedis({ dataDir, port: await freePort() });
    redis = new Redis(server.url);
    stopWatching = watchServers(
      {
        config: { databaseUrl: testServers().databaseUrl, cacheRedisUrl: server.url },
        db: { pools: () => [] },
        redis,
        log: createLogger('error', 'test'),
      },
      { everyMs: LOOK_EVERY_MS, isThorough: true },
    );
  });
  after(async () => {
    await stopWatching();
    redis.disconnect();
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const told = async (gauge: typeof redisUp): Promise<number | undefined> =>
    (await gauge.get()).values.find(({ labels }) => labels['server'] === 'queues')?.value;

  it('tells of a Redis that cannot write to its disk just that, and not that it is away', async () => {
    await eventually(async () => {
      expect([await told(redisUp), await told(redisPersistenceOk)]).to.deep.equal([1, 1]);
    });
    await redis.config('SET', 'save', '3600 1');
    await rm(join(dataDir, 'redis'), { recursive: true });
    await redis.bgsave();
    await eventually(async () => {
      expect(await told(redisPersistenceOk)).to.equal(0);
    });
    const refusal = await redis.set('key', 'value').catch(String);
    expect(refusal).to.match(/MISCONF/);
    expect(await told(redisUp)).to.equal(1);
    await redis.config('SET', 'save', ''); // or it would not end without having saved
  });
});
