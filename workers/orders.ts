import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Executor } from '../src/orders/executor.js';
import { shardQueueName, workerSettings, type ExecuteShardJob } from '../src/queue/queues.js';

/** Listens to every shard's queue: a job says that the shard has work, the executor drains it. */
export const startOrderWorkers = (
  shards: number,
  connection: Redis,
  executor: Executor,
): Worker<ExecuteShardJob>[] =>
  Array.from({ length: shards }, (_, shard) => {
    const name = shardQueueName(shard);
    return new Worker<ExecuteShardJob>(
      name,
      (job) => executor.drain(shard, job.id ?? ''),
      workerSettings(name, connection),
    );
  });
