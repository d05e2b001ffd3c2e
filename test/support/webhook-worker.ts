import { readConfig } from '../../src/config.js';
import { createContainer } from '../../src/container.js';
import { connectRedis, workerOptions } from '../../src/redis.js';
import { startWebhooks } from '../../workers/webhooks.js';
import { QUICK_TERMS } from './webhooks.js';

/** A process that does nothing but deliver webhooks, quickly, until it is killed. */
const container = await createContainer(readConfig(process.env), 'test-webhooks');
const redis = connectRedis(container.config.redisUrl, workerOptions, () => undefined);
startWebhooks(redis, container, { ...QUICK_TERMS, perSecond: 100 });
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
