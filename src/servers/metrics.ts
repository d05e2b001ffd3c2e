import { Counter, Gauge } from 'prom-client';
import { SharedGauge } from '../shared-gauge.js';

/** What the product tells of the servers that it works on, as it sees them; nobody else is asked. */

/** Some looks are missed by a server that is busy; then what was seen is too old to be told. */
const STALE_AFTER_MS = 30_000;

// Of each process: its own connections
export const postgresUp = new Gauge({
  name: 'brokerx_postgres_up',
  help: '1 when Postgres answers this process',
  aggregator: 'max',
});
export const redisUp = new Gauge({
  name: 'brokerx_redis_up',
  help: '1 when the Redis of the queues, or of the cache, answers this process',
  labelNames: ['server'],
  aggregator: 'max',
});
export const poolConnections = new Gauge({
  name: 'brokerx_postgres_pool_connections',
  help: 'Connections of this process to Postgres, by pool (orders, everyday) and state (used, idle)',
  labelNames: ['pool', 'state'],
});
export const poolWaiting = new Gauge({
  name: 'brokerx_postgres_pool_waiting',
  help: 'Requests for a connection that wait for one, by pool',
  labelNames: ['pool'],
});
export const poolMax = new Gauge({
  name: 'brokerx_postgres_pool_max',
  help: 'Connections that the pool may have',
  labelNames: ['pool'],
});
export const queryErrors = new Counter({
  name: 'brokerx_postgres_errors_total',
  help: 'Statements that failed, by reason: connection, serialization, timeout, constraint, other',
  labelNames: ['reason'],
});

// Of Postgres, the same from every process
export const databaseSize = new SharedGauge(
  { name: 'brokerx_postgres_database_bytes', help: 'Size of our database' },
  STALE_AFTER_MS,
);
export const serverConnections = new SharedGauge(
  {
    name: 'brokerx_postgres_connections',
    help: 'Connections of all clients to the server, by state: active, idle, idle_in_transaction, other',
    labelNames: ['state'],
  },
  STALE_AFTER_MS,
);
export const serverConnectionsMax = new SharedGauge(
  { name: 'brokerx_postgres_connections_max', help: 'Connections that the server takes' },
  STALE_AFTER_MS,
);
export const oldestTransaction = new SharedGauge(
  {
    name: 'brokerx_postgres_oldest_transaction_seconds',
    help: 'Age of the oldest transaction in our database; 0 when there is none',
  },
  STALE_AFTER_MS,
);
export const transactions = new Counter({
  name: 'brokerx_postgres_transactions_total',
  help: 'Transactions in our database by outcome, commit or rollback, as the server counts them',
  labelNames: ['outcome'],
  aggregator: 'max',
});
export const deadlocks = new Counter({
  name: 'brokerx_postgres_deadlocks_total',
  help: 'Deadlocks in our database, as the server counts them',
  aggregator: 'max',
});
export const blocksRead = new Counter({
  name: 'brokerx_postgres_blocks_read_total',
  help: "Blocks of our database by where they were found: cache (the server's) or disk",
  labelNames: ['from'],
  aggregator: 'max',
});
export const replicationLag = new SharedGauge(
  {
    name: 'brokerx_postgres_replication_lag_bytes',
    help: 'Write-ahead log that a standby or an archiver has not confirmed yet, by its application name',
    labelNames: ['standby'],
  },
  STALE_AFTER_MS,
);
export const slotRetained = new SharedGauge(
  {
    name: 'brokerx_postgres_replication_slot_retained_bytes',
    help: 'Write-ahead log that is kept for a replication slot',
    labelNames: ['slot'],
  },
  STALE_AFTER_MS,
);

// Of Redis, by server: queues or cache
export const redisMemory = new SharedGauge(
  {
    name: 'brokerx_redis_memory_bytes',
    help: 'Memory that Redis uses',
    labelNames: ['server'],
  },
  STALE_AFTER_MS,
);
export const redisMemoryMax = new SharedGauge(
  {
    name: 'brokerx_redis_memory_max_bytes',
    help: 'Memory that Redis may use: its maxmemory, or all of the machine',
    labelNames: ['server'],
  },
  STALE_AFTER_MS,
);
export const redisClients = new SharedGauge(
  { name: 'brokerx_redis_clients', help: 'Connections to Redis', labelNames: ['server'] },
  STALE_AFTER_MS,
);
export const redisPersistenceOk = new SharedGauge(
  {
    name: 'brokerx_redis_persistence_ok',
    help: '0 when the last write of the append-only file or the last snapshot failed',
    labelNames: ['server'],
  },
  STALE_AFTER_MS,
);
const redisCounter = (name: string, help: string) =>
  new Counter({ name, help, labelNames: ['server'], aggregator: 'max' });
export const redisCommands = redisCounter('brokerx_redis_commands_total', 'Commands processed');
export const redisEvicted = redisCounter(
  'brokerx_redis_evicted_keys_total',
  'Keys thrown away to make room',
);
export const redisRejectedConnections = redisCounter(
  'brokerx_redis_rejected_connections_total',
  'Connections refused because there were too many',
);
export const redisRejectedWrites = redisCounter(
  'brokerx_redis_rejected_writes_total',
  'Commands refused because memory or the disk is full',
);
export const redisHits = redisCounter('brokerx_redis_hits_total', 'Reads of keys that were there');
export const redisMisses = redisCounter(
  'brokerx_redis_misses_total',
  'Reads of keys that were not there',
);
