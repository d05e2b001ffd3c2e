import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { PostgresPrograms } from '../../../src/backup/programs.js';
import { startProgram } from '../../../src/backup/run-program.js';
import { again, type Fault, type Stage, type Undo } from './stage.js';

/** Faults of Postgres and Redis: full, refusing, slow, away. */

/** Sets something of the Redis of the queues. */
async function withQueues<Result>(
  { queues }: Stage,
  work: (redis: Redis) => Promise<Result>,
): Promise<Result> {
  const redis = new Redis(queues.url);
  redis.on('error', () => undefined);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

const takeAway = (
  what: string,
  alerts: string[],
  choose: (stage: Stage) => { stop(): Promise<void>; start(): Promise<void> },
): Fault => ({
  what,
  alerts,
  withinS: 90,
  async cause(stage) {
    await choose(stage).stop();
    return () => choose(stage).start();
  },
});

/** Writes 416 MiB of the log: each switch fills up a file of 16 MiB. */
const WRITE_LOG = `do $$ begin for i in 1..26 loop
  perform pg_logical_emit_message(false, 'drill', 'x'); perform pg_switch_wal();
  end loop; end $$`;
const RECEIVER_READY_MS = 20_000;

/** A real archiver of the log that is stopped as if its disk hung. */
const ARCHIVER_HANGS: Fault = {
  what: 'an archiver of the log hangs, and much is written',
  alerts: ['PostgresReplicationLags'],
  withinS: 120,
  async cause({ instance, sql }) {
    const { dataDir, databaseUrl } = instance;
    const { rows } = await sql(
      `select current_setting('server_version_num')::int / 10000 as major`,
    );
    const programs = new PostgresPrograms(Number(rows[0]?.['major']), dataDir, () => undefined);
    const program = await programs.client('pg_receivewal');
    // Else the server ends the connection after a minute, and nobody is behind any more.
    const env = { ...program.env, PGOPTIONS: '-c wal_sender_timeout=0' };
    const directory = join(dataDir, 'drill-archive');
    await mkdir(directory);
    const args = [`--directory=${directory}`, '--no-loop', '--status-interval=1'];
    const { child, ended } = startProgram({ ...program, env }, databaseUrl, args);
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    const undo = async (): Promise<void> => {
      kill();
      await ended;
      process.off('exit', kill);
    };
    try {
      await untilReceived({ sql });
      child.kill('SIGSTOP');
      await sql(WRITE_LOG);
    } catch (error) {
      await undo();
      throw error;
    }
    return undo;
  },
};

async function untilReceived({ sql }: Pick<Stage, 'sql'>): Promise<void> {
  const deadline = Date.now() + RECEIVER_READY_MS;
  while (Date.now() < deadline) {
    const { rowCount } = await sql(`select from pg_stat_replication
      where application_name = 'pg_receivewal' and state = 'streaming' and write_lsn is not null`);
    if (rowCount) return;
    await sleep(200);
  }
  throw new Error(`pg_receivewal receives nothing within ${RECEIVER_READY_MS / 1_000} s`);
}

export const FAULTS_OF_SERVERS: readonly Fault[] = [
  {
    what: 'one process alone loses Postgres',
    alerts: ['PostgresUnreachable'],
    withinS: 90,
    cause: ({ sickWorker }) => {
      sickWorker.losePostgres();
      return Promise.resolve(() => undefined);
    },
  },
  {
    what: 'a program takes the connections of Postgres and keeps them',
    alerts: ['PostgresConnectionsNearMax'],
    withinS: 90,
    async cause({ instance, sql }) {
      const { rows } = await sql(`select current_setting('max_connections')::int
        - (select count(*)::int from pg_stat_activity) - 8 as free`);
      const clients = Array.from(
        { length: Number(rows[0]?.['free']) },
        () => new pg.Client({ connectionString: instance.databaseUrl }),
      );
      for (const client of clients) client.on('error', () => undefined);
      await Promise.allSettled(clients.map((client) => client.connect()));
      return async () => {
        await Promise.allSettled(clients.map((client) => client.end()));
      };
    },
  },
  ARCHIVER_HANGS,
  {
    what: 'a replication slot is read by nobody',
    alerts: ['PostgresSlotRetainsLog'],
    withinS: 150,
    async cause({ sql }) {
      await sql(`select pg_create_physical_replication_slot('drill', true)`);
      for (let part = 0; part < 6; part += 1) await sql(WRITE_LOG);
      return async () => {
        await sql(`select pg_drop_replication_slot('drill')`);
      };
    },
  },
  {
    what: 'every third transaction meets a conflict',
    alerts: ['PostgresConflicts'],
    withinS: 90,
    async cause({ sql }) {
      await sql(`create function drill_conflict() returns trigger language plpgsql as $$ begin
          if random() < 0.5 then raise exception 'drill' using errcode = '40001'; end if;
          return null;
        end $$;
        create trigger drill after insert on orders
          for each statement execute function drill_conflict()`);
      return async () => {
        await sql('drop trigger drill on orders; drop function drill_conflict()');
      };
    },
  },
  {
    what: 'the Redis of the queues gets no more memory, and no more connections',
    alerts: ['RedisMemoryHigh', 'RedisRefusesWrites', 'RedisRefusesConnections'],
    withinS: 120,
    async cause(stage) {
      await withQueues(stage, async (redis) => {
        const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
        const clients = Number(/connected_clients:(\d+)/.exec(await redis.info('clients'))?.[1]);
        await redis.config('SET', 'maxmemory', String(Math.round(used * 0.95)));
        await redis.config('SET', 'maxclients', String(clients + 2));
      });
      const knock = again(300, async () => {
        for (let count = 0; count < 6; count += 1) {
          const redis = new Redis(stage.queues.url, { retryStrategy: () => null });
          redis.on('error', () => undefined);
          setTimeout(() => redis.disconnect(), 1_000);
        }
        await Promise.resolve();
      });
      return async () => {
        await knock();
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        await withQueues(stage, async (redis) => {
          await redis.config('SET', 'maxmemory', '0');
          await redis.config('SET', 'maxclients', '10000');
        });
      };
    },
  },
  takeAway('the Redis of the cache is away', ['RedisCacheDown'], ({ cache }) => cache),
  takeAway('the Redis of the queues is away', ['RedisDown'], ({ queues }) => queues),
  takeAway('Postgres is away', ['PostgresDown'], ({ postgres }) => postgres),
];

/** Locks a table again and again: whoever reads it waits. */
const lockedNowAndThen = ({ hold }: Stage, table: string, holdMs: number, everyMs: number): Undo =>
  again(everyMs, async () => {
    const release = await hold(`lock table ${table} in access exclusive mode`);
    await new Promise((resolve) => setTimeout(resolve, holdMs));
    await release();
  });

export const FAULTS_OF_SPEED: readonly Fault[] = [
  {
    what: 'a few requests wait for a lock for two seconds',
    alerts: ['ApiLatencyHigh'],
    withinS: 120,
    cause(stage) {
      const stops = [
        lockedNowAndThen(stage, 'watchlists', 2_200, 4_000),
        again(400, () => stage.call('GET', '/v2/watchlists')), // about 4 % of all requests wait
      ];
      return Promise.resolve(async () => {
        for (const stop of stops) await stop();
      });
    },
  },
  {
    what: 'most requests wait for a lock, and all connections with them',
    alerts: ['ApiLatencyBudgetBurnsFast', 'PostgresPoolExhausted'],
    withinS: 120,
    cause(stage) {
      const stops = [
        lockedNowAndThen(stage, 'watchlists', 3_700, 4_000),
        again(60, () => stage.call('GET', '/v2/watchlists')),
      ];
      return Promise.resolve(async () => {
        for (const stop of stops) await stop();
      });
    },
  },
  {
    what: 'the bars of market data are locked',
    alerts: ['MarketTapeLags'],
    withinS: 120,
    cause: ({ hold }) => hold('lock table market_tape in access exclusive mode'),
  },
];

/** The last: its files are gone afterwards. */
export const LAST_FAULT: Fault = {
  what: 'the disk of the Redis of the queues takes nothing',
  alerts: ['RedisPersistenceFails'],
  withinS: 90,
  async cause(stage) {
    await stage.queues.loseDisk();
    await withQueues(stage, (redis) => redis.config('SET', 'save', '1 1')); // so it tries at once
    return async () => {
      await withQueues(stage, (redis) => redis.config('SET', 'save', '')); // else it does not end
    };
  },
};
