import type { Socket } from 'node:net';
import knexFactory, { type Knex } from 'knex';
import { Model } from 'objection';
import pg from 'pg';
import { encodeArrays } from './array-parameters.js';
import { unavailable } from './errors.js';
import { queryErrors } from './servers/metrics.js';
import { sendInSpan, traceKnex } from './tracing/postgres.js';

const INT8 = 20;
const INT8_ARRAY = 1016;
const parseInt8 = (text: string): bigint => BigInt(text);
const parseInt8Array = pg.types.getTypeParser(INT8_ARRAY as never) as (text: string) => string[];

/** Our own connections read int8 as bigint; the driver's global parsers stay as they are. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary'): ((text: string) => unknown) => {
    if (oid === INT8) return parseInt8;
    if (oid === INT8_ARRAY) return (text) => parseInt8Array(text).map(BigInt);
    return pg.types.getTypeParser(oid, format) as (text: string) => unknown;
  },
};

/** A named statement: parsed and planned once a connection, then only executed. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** What a transaction on the order path can do. Statements may be sent without waiting for each. */
export interface Tx {
  run<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
}

/** Postgres: Objection over knex for everyday work, a pipelining pool for the order path. */
export interface Database {
  readonly knex: Knex;
  /** Runs `work` in one transaction on the order path's pool. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs one statement on the order path's pool, as a transaction of its own. */
  run<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
  /** How its connections are used at this moment. */
  pools(): PoolState[];
  close(): Promise<void>;
}

export interface PoolState {
  readonly pool: 'orders' | 'everyday';
  readonly used: number;
  readonly idle: number;
  /** Requests that wait for a connection. */
  readonly waiting: number;
  readonly max: number;
}

const APPLICATION_ROLE = 'brokerx_app';
const STATEMENT_TIMEOUT_MS = 15_000;
/** Ours, for a server that vanished: its own timeouts cannot help then. */
const QUERY_TIMEOUT_MS = 20_000;
const LOCK_TIMEOUT_MS = 5_000;
/** A stopped process must not keep its shard's lock: Postgres ends its transaction. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 4_000;
const CONNECT_TIMEOUT_MS = 3_000;

/**
 * The order path's statements are all "for each of these keys, find the row by its index". Planned
 * once and for all, perhaps while the tables are still empty, they must not come out as a scan of
 * the whole table: measured, that cost a factor of ten after a few thousand orders.
 */
const INDEX_LOOKUPS_ONLY = [
  'plan_cache_mode=force_generic_plan',
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  'enable_bitmapscan=off',
]
  .map((setting) => ` -c ${setting}`)
  .join('');

const connectionSettings = (databaseUrl: string, name: string, role = APPLICATION_ROLE) => ({
  connectionString: databaseUrl,
  application_name: `brokerx-${name}`,
  options: `-c role=${role}`,
  statement_timeout: STATEMENT_TIMEOUT_MS,
  lock_timeout: LOCK_TIMEOUT_MS,
  query_timeout: QUERY_TIMEOUT_MS,
  idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  keepAlive: true,
  types,
});

/**
 * Connects to Postgres as one of our roles, for everyday work alone.
 * @param role whose rights the connection has; the application's when absent
 */
export const connectKnex = (
  databaseUrl: string,
  name: string,
  poolSize: number,
  role?: string,
): Knex => {
  const knex = knexFactory({
    client: 'pg',
    connection: connectionSettings(databaseUrl, name, role) as Knex.PgConnectionConfig,
    pool: { min: 0, max: poolSize },
    acquireConnectionTimeout: CONNECT_TIMEOUT_MS,
  });
  knex.on('query-error', countError);
  traceKnex(knex);
  return knex;
};

/**
 * Connects to Postgres; nothing is opened before the first query.
 * @param databaseUrl `postgres://...`
 * @param name        shown in `pg_stat_activity`, such as `api`
 * @param poolSize    connections of each of the two pools
 */
export function connectDatabase(databaseUrl: string, name: string, poolSize = 8): Database {
  const knex = connectKnex(databaseUrl, name, poolSize);
  Model.knex(knex);
  const settings = connectionSettings(databaseUrl, `${name}-orders`);
  const pool = new pg.Pool({
    ...settings,
    options: settings.options + INDEX_LOOKUPS_ONLY,
    max: poolSize,
    pipeline: true,
  });
  pool.on('error', () => undefined); // an idle connection was lost; the next query opens another

  const run = async <Row>(
    client: pg.ClientBase | pg.Pool,
    { name: statementName, text }: Statement,
    values: readonly unknown[],
  ): Promise<Row[]> => {
    const encoded = encodeArrays(text, values);
    const query = { name: statementName, text, values: encoded };
    const { rows } = await counted(sendInSpan(statementName, () => client.query(query)));
    return rows as Row[];
  };

  return {
    knex,
    run: (statement, values) => run(pool, statement, values),
    transaction: (work) => inTransaction(pool, run, work),
    pools: () => [ordersPoolState(pool), everydayPoolState(knex)],
    async close() {
      await Promise.allSettled([knex.destroy(), pool.end()]);
    },
  };
}

const ordersPoolState = ({ totalCount, idleCount, waitingCount, options }: pg.Pool): PoolState => ({
  pool: 'orders',
  used: totalCount - idleCount,
  idle: idleCount,
  waiting: waitingCount,
  max: options.max,
});

/** The pool of knex (tarn), of which its types say nothing. */
interface TarnPool {
  readonly max: number;
  numUsed(): number;
  numFree(): number;
  numPendingAcquires(): number;
}

function everydayPoolState(knex: Knex): PoolState {
  const { pool } = knex.client as { pool: TarnPool };
  const waiting = pool.numPendingAcquires();
  return { pool: 'everyday', used: pool.numUsed(), idle: pool.numFree(), waiting, max: pool.max };
}

type Run = <Row>(
  client: pg.ClientBase,
  statement: Statement,
  values: readonly unknown[],
) => Promise<Row[]>;

async function inTransaction<T>(pool: pg.Pool, run: Run, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await counted(pool.connect());
  let broken: Error | undefined;
  let failure: Error | undefined;
  const onError = (error: Error) => (broken = error);
  /** The first failure is the cause: after it every statement fails with "transaction is aborted". */
  const note = <Result>(result: Promise<Result>): Promise<Result> => {
    result.catch((error: unknown) => (failure ??= error as Error));
    return result;
  };
  client.on('error', onError);
  try {
    const begun = note(client.query('begin')); // sent ahead: its answer comes with the first statement's
    const result = await work({
      run: (statement, values) => {
        holdWrites(client);
        return note(run(client, statement, values));
      },
    });
    await begun;
    if (failure) throw failure; // of a statement that nobody waited for
    const { command } = await counted(sendInSpan('commit', () => client.query('commit')));
    if (command !== 'COMMIT') throw new Error(`the transaction ended with ${command}`);
    return result;
  } catch (error) {
    await client.query('rollback').catch((lost: unknown) => (broken = lost as Error));
    throw failure ?? error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

/** Statements that are sent in the same tick leave in one write to the socket. */
function holdWrites(client: pg.ClientBase): void {
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  stream.cork();
  process.nextTick(() => {
    stream.uncork();
  });
}

const DURABILITY_SETTINGS = ['fsync', 'synchronous_commit', 'full_page_writes'];

/**
 * Makes sure that an acknowledged order survives a crash of Postgres.
 * @throws Error that names each of fsync, synchronous_commit and full_page_writes that is off
 */
export async function requireDurablePostgres(knex: Knex): Promise<void> {
  const { rows } = await knex.raw<{ rows: { name: string }[] }>(
    `select name from pg_settings where name = any(?) and setting = 'off' order by name`,
    [DURABILITY_SETTINGS],
  );
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => name).join(', ');
  throw new Error(`Postgres must not lose what it has committed, but these are off: ${names}`);
}

const RETRYABLE = new Set(['40001', '40P01', '55P03']);
const CONNECTION_LOST = /^(08|57P0|53300)/;
const SOCKET_ERRORS = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOENT']);

/** True when Postgres chose this transaction to give way: running it again is right. */
export const isRetryable = (error: unknown): boolean =>
  error instanceof Error && RETRYABLE.has((error as { code?: string }).code ?? '');

/** True when Postgres refused a value (classes 22 and 23): what was sent is to blame. */
export const isDataError = (error: unknown): boolean =>
  error instanceof Error && /^2[23]/.test((error as { code?: string }).code ?? '');

/** True when Postgres is away, going down, or the connection broke: the outcome may be unknown. */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: string }).code ?? '';
  return (
    CONNECTION_LOST.test(code) ||
    SOCKET_ERRORS.has(code) ||
    /connection terminated|query read timeout|timeout exceeded when trying to connect|timeout expired|not queryable|timeout acquiring/i.test(
      error.message,
    )
  );
}

const TIMED_OUT = /timeout|timed out/i;
const QUERY_CANCELED = '57014';

/** Why a statement failed, for the metric. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  if (code === QUERY_CANCELED || (code === undefined && TIMED_OUT.test(message))) return 'timeout';
  if (isConnectionLost(error)) return 'connection';
  if (isRetryable(error)) return 'serialization';
  return isDataError(error) ? 'constraint' : 'other';
}

/** What follows after a failure in the same transaction is not counted again. */
const TRANSACTION_ABORTED = '25P02';

function countError(error: unknown): void {
  if ((error as { code?: string }).code === TRANSACTION_ABORTED) return;
  queryErrors.inc({ reason: reasonOf(error) });
}
// From the start, or nothing would have increased at the first one.
for (const reason of ['connection', 'serialization', 'timeout', 'constraint', 'other']) {
  queryErrors.inc({ reason }, 0);
}

async function counted<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    countError(error);
    throw error;
  }
}

/** Turns a lost connection into the 503 that a client can act on; leaves everything else alone. */
export function explainOutage(error: unknown): unknown {
  if (!isConnectionLost(error)) return error;
  return unavailable(
    'The database is not available. Whether the request took effect is unknown: ' +
      'repeat it with the same Idempotency-Key or client_order_id, or look the order up.',
  );
}
