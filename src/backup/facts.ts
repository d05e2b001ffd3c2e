import pg from 'pg';
import { hashLedger, type LedgerHash } from '../ledger/hash.js';

/** What a restored database must have in common with the one that the backup is of. */
export interface DatabaseFacts {
  readonly ledger: LedgerHash;
  /** Rows of every table, by schema and name. */
  readonly rows: Readonly<Record<string, number>>;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** Connects, works and disconnects, as whoever the address names. */
export async function withClient<Result>(
  databaseUrl: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'brokerx-backup',
  });
  client.on('error', () => undefined); // the statement that runs fails with it
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Works in one snapshot of the database. */
export async function inSnapshot<Result>(
  client: pg.Client,
  work: () => Promise<Result>,
): Promise<Result> {
  await client.query('begin transaction isolation level repeatable read read only');
  try {
    return await work();
  } finally {
    await client.query('rollback');
  }
}

/** Of what the client's transaction sees. */
export async function readFacts(client: pg.Client): Promise<DatabaseFacts> {
  const tables = await client.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  );
  const rows: Record<string, number> = {};
  for (const { name } of tables.rows) {
    const counted = await client.query<{ count: string }>(`select count(*) from ${name}`);
    rows[name] = Number(counted.rows[0]!.count);
  }
  return { ledger: await hashLedger(client), rows };
}

/** @returns a line for each difference; none when both say the same */
export function differences(expected: DatabaseFacts, found: DatabaseFacts): string[] {
  const lines: string[] = [];
  if (expected.ledger.hash !== found.ledger.hash) {
    const text = ({ postings, hash }: LedgerHash) => `${hash} over ${postings} postings`;
    lines.push(`ledger: ${text(found.ledger)}, where the backup has ${text(expected.ledger)}`);
  }
  for (const name of new Set([...Object.keys(expected.rows), ...Object.keys(found.rows)])) {
    const [was, is] = [expected.rows[name], found.rows[name]];
    if (was === is) continue;
    lines.push(`${name}: ${is ?? 'no table'}, where the backup has ${was ?? 'no table'}`);
  }
  return lines;
}

/** The roles that own something here, or are granted something: they belong to the server. */
export async function readRoles(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ rolname: string }>(
    `select distinct r.rolname from pg_shdepend d join pg_roles r on r.oid = d.refobjid
     where d.refclassid = 'pg_authid'::regclass and r.rolname <> current_user
       and d.dbid = (select oid from pg_database where datname = current_database())
     order by 1`,
  );
  return rows.map(({ rolname }) => rolname);
}

export async function majorVersion(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ version: string }>(
    `select current_setting('server_version_num') as version`,
  );
  return Math.floor(Number(rows[0]!.version) / 10_000);
}
