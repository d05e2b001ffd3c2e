import type pg from 'pg';
import {
  blocksRead,
  databaseSize,
  deadlocks,
  oldestTransaction,
  replicationLag,
  serverConnections,
  serverConnectionsMax,
  slotRetained,
  transactions,
} from './metrics.js';
import { setTotal } from './set-total.js';

interface PostgresState {
  readonly databaseBytes: number;
  readonly connectionsMax: number;
  readonly oldestTransactionS: number;
  readonly commits: number;
  readonly rollbacks: number;
  readonly deadlocks: number;
  readonly blocksCached: number;
  readonly blocksFromDisk: number;
  readonly connections: Readonly<Record<string, number>> | null;
  readonly standbys: Readonly<Record<string, number | null>> | null;
  readonly slots: Readonly<Record<string, number>> | null;
}

/**
 * As the role that has logged in: it sees the sessions of its own, which are all of the product's, and
 * those of others when it may (`pg_monitor`). Without that right their columns are null.
 */
const READ_STATE = `
  with sessions as (
    select datname, xact_start, pid <> pg_backend_pid() as "isOther",
      case when state in ('active', 'idle') then state
        when state like 'idle in transaction%' then 'idle_in_transaction' else 'other' end as state
    from pg_stat_activity where coalesce(backend_type, 'client backend') = 'client backend'
  )
  select pg_database_size(current_database())::float8 as "databaseBytes",
    current_setting('max_connections')::int as "connectionsMax",
    (select coalesce(extract(epoch from clock_timestamp() - min(xact_start)), 0)::float8
      from sessions where datname = current_database() and "isOther") as "oldestTransactionS",
    xact_commit::float8 as commits, xact_rollback::float8 as rollbacks,
    deadlocks::float8 as deadlocks, blks_hit::float8 as "blocksCached",
    blks_read::float8 as "blocksFromDisk",
    (select json_object_agg(state, count) from (
      select state, count(*) from sessions group by state) by_state) as connections,
    (select json_object_agg(name, bytes) from (
      select coalesce(nullif(application_name, ''), 'unknown') as name,
        max(pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(flush_lsn, sent_lsn))) as bytes
      from pg_stat_replication group by 1) by_standby) as standbys,
    (select json_object_agg(slot_name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))
      from pg_replication_slots where restart_lsn is not null) as slots
  from pg_stat_database where datname = current_database()`;

const STATES = ['active', 'idle', 'idle_in_transaction', 'other'] as const;

/** Asks Postgres how it is, and keeps the gauges. */
export async function measurePostgres(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<PostgresState>(READ_STATE);
  const state = rows[0]!;
  databaseSize.set(state.databaseBytes);
  serverConnectionsMax.set(state.connectionsMax);
  oldestTransaction.set(Math.max(0, state.oldestTransactionS));
  for (const name of STATES) serverConnections.set({ state: name }, state.connections?.[name] ?? 0);
  setTotal(transactions, { outcome: 'commit' }, state.commits);
  setTotal(transactions, { outcome: 'rollback' }, state.rollbacks);
  setTotal(deadlocks, {}, state.deadlocks);
  setTotal(blocksRead, { from: 'cache' }, state.blocksCached);
  setTotal(blocksRead, { from: 'disk' }, state.blocksFromDisk);
  replicationLag.forget(); // a standby that has gone is none any more
  slotRetained.forget();
  for (const [standby, bytes] of Object.entries(state.standbys ?? {})) {
    if (bytes !== null) replicationLag.set({ standby }, bytes);
  }
  for (const [slot, bytes] of Object.entries(state.slots ?? {})) slotRetained.set({ slot }, bytes);
}
