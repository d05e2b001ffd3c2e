import { Redis } from 'ioredis';
import { openQueue, shardQueueName, type ExecuteShardJob } from '../../../src/queue/queues.js';
import { again, freeze, type Fault } from './stage.js';

/** Faults of our own processes: frozen, killed again and again, overwhelmed; and of the mail server. */

const frozen = (what: string, alerts: string[], names: string[], withinS = 90): Fault => ({
  what,
  alerts,
  withinS,
  cause: ({ pid }) => Promise.resolve(freeze(...names.map(pid))),
});

export const FAULTS_OF_PROCESSES: readonly Fault[] = [
  frozen('the publisher of market data hangs', ['MarketDataStale', 'ProcessDown'], ['market-data']),
  frozen('the market hangs', ['MarketStandsStill', 'WorkerRoleMissing'], ['market'], 150),
  frozen('one of two workers hangs', ['WorkersLost'], ['worker-2']),
  frozen(
    'all workers hang while orders come in',
    ['OldestWorkTooOld', 'WaitingWorkGrows'],
    ['worker-1', 'worker-2'],
    120,
  ),
  {
    what: 'the workers have gone on: what waited is told late',
    alerts: ['EventLagHigh'],
    withinS: 60,
    cause: () => Promise.resolve(() => undefined),
  },
  frozen('the API hangs', ['ApiDown'], ['api']),
  {
    what: 'the market crashes again and again',
    alerts: ['ProcessRestarts'],
    withinS: 120,
    cause: ({ pid }) =>
      Promise.resolve(again(9_000, () => Promise.resolve(process.kill(pid('market'), 'SIGKILL')))),
  },
  {
    what: 'a shard is locked, and more and more jobs are added for it',
    alerts: ['QueueGrows'],
    withinS: 150,
    async cause({ hold, queues }) {
      const release = await hold(`select 1 from shard_claims where shard = 3 for update`);
      const redis = new Redis(queues.url, { maxRetriesPerRequest: null });
      redis.on('error', () => undefined);
      const queue = openQueue<ExecuteShardJob>(shardQueueName(3), redis);
      const stop = again(250, () =>
        queue.addBulk(
          Array.from({ length: 20 }, () => ({ name: 'execute', data: { shard: 3 }, opts: {} })),
        ),
      );
      return async () => {
        await stop();
        await release();
        await queue.close();
        redis.disconnect();
      };
    },
  },
  {
    what: 'workers lose their jobs: frozen for longer than a lock lasts',
    alerts: ['JobsStall'],
    withinS: 150,
    cause({ pid }) {
      const names = ['worker-1', 'worker-2'];
      let turn = 0;
      return Promise.resolve(
        again(13_000, async () => {
          const thaw = freeze(pid(names[turn++ % 2]!));
          await new Promise((resolve) => setTimeout(resolve, 8_000));
          await thaw();
        }),
      );
    },
  },
];

/** In this order: what was refused waits, and is too old all the sooner. */
export const FAULTS_OF_MAIL: readonly Fault[] = [
  {
    what: 'the mail server does not let us send',
    alerts: ['MailServerRefusesUs'],
    withinS: 120,
    cause({ mailServer }) {
      mailServer.turn('refuses');
      return Promise.resolve(() => mailServer.turn('takes'));
    },
  },
  {
    what: 'the mail server takes every connection and says nothing',
    alerts: ['NotificationChannelStuck'],
    withinS: 700,
    cause({ mailServer }) {
      mailServer.turn('silent');
      return Promise.resolve(() => mailServer.turn('takes'));
    },
  },
];

export const SLOW_FAULTS_OF_PROCESSES: readonly Fault[] = [
  {
    what: 'a worker leaks memory and blocks its event loop',
    alerts: ['EventLoopBlocked', 'MemoryHigh', 'MemoryGrows'],
    withinS: 1_100,
    cause: ({ sickWorker }) => {
      sickWorker.fallSick();
      return Promise.resolve(() => undefined);
    },
  },
];
