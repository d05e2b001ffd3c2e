import type { Redis } from 'ioredis';
import {
  redisClients,
  redisCommands,
  redisEvicted,
  redisHits,
  redisMemory,
  redisMemoryMax,
  redisMisses,
  redisPersistenceOk,
  redisRejectedConnections,
  redisRejectedWrites,
} from './metrics.js';
import { setTotal } from './set-total.js';

/** Answers to whoever writes: memory is full, or what was written cannot be kept on the disk. */
const REFUSALS = ['OOM', 'MISCONF'] as const;

/** Asks a Redis how it is, and keeps the gauges. @param server `queues` or `cache` */
export async function measureRedis(redis: Redis, server: string): Promise<void> {
  const info = parseInfo(await redis.info());
  const number = (name: string): number => Number(info.get(name) ?? 0);
  redisMemory.set({ server }, number('used_memory'));
  redisMemoryMax.set({ server }, number('maxmemory') || number('total_system_memory'));
  redisClients.set({ server }, number('connected_clients'));
  const isOk = [
    'aof_last_write_status',
    'aof_last_bgrewrite_status',
    'rdb_last_bgsave_status',
  ].every((name) => (info.get(name) ?? 'ok') === 'ok');
  redisPersistenceOk.set({ server }, isOk ? 1 : 0);
  const refusals = REFUSALS.map((name) =>
    Number(/count=(\d+)/.exec(info.get(`errorstat_${name}`) ?? '')?.[1] ?? 0),
  );
  setTotal(
    redisRejectedWrites,
    { server },
    refusals.reduce((sum, count) => sum + count),
  );
  setTotal(redisCommands, { server }, number('total_commands_processed'));
  setTotal(redisEvicted, { server }, number('evicted_keys'));
  setTotal(redisRejectedConnections, { server }, number('rejected_connections'));
  setTotal(redisHits, { server }, number('keyspace_hits'));
  setTotal(redisMisses, { server }, number('keyspace_misses'));
}

/** `name:value` lines, and headings. */
const parseInfo = (text: string): Map<string, string> =>
  new Map(
    text.split('\r\n').flatMap((line) => {
      const at = line.indexOf(':');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    }),
  );
