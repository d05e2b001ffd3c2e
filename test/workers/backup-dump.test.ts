import { open, readdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { expect } from 'chai';
import { register } from 'prom-client';
import { listDumps, rotateDumps, type Dump } from '../../src/backup/catalog.js';
import { takeDump } from '../../src/backup/dump.js';
import { differences, readFacts, withClient } from '../../src/backup/facts.js';
import type { PostgresPrograms } from '../../src/backup/programs.js';
import { restoreDump } from '../../src/backup/restore-dump.js';
import { databaseOf, onDatabase } from '../../src/backup/run-program.js';
import { measureBackups, recordFailure, recordSuccess } from '../../src/backup/status.js';
import { connectKnex } from '../../src/db.js';
import { proveLedger } from '../../src/ledger/proof.js';
import { createBackupFolder, findBackupPrograms } from '../support/backups.js';
import { createEmptyDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startProduct } from '../support/processes.js';
import { createTestRedis } from '../support/redis.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('a dump and its restore', function () {
  this.timeout(120_000);

  let trading: Trading;
  let programs: PostgresPrograms;
  let folder: string;
  let dump: Dump;
  const targets: TestDatabase[] = [];
  const quiet = () => undefined;

  const databaseUrl = () => trading.container.config.databaseUrl;
  const emptyTarget = async (): Promise<string> => {
    const database = await createEmptyDatabase();
    targets.push(database);
    return database.url;
  };
  const restore = (into: string, more: { dump?: Dump; overwrite?: boolean } = {}) =>
    restoreDump({ dump, into, overwrite: false, programs, say: quiet, ...more });
  const messageOf = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'it succeeded',
      (error: unknown) => (error as Error).message,
    );

  before(async function () {
    trading = await startTrading(2);
    const found = await findBackupPrograms(databaseUrl());
    if (!found) this.skip();
    programs = found;
    folder = await createBackupFolder();
    await trading.place({ account: 0, side: 'sell', qty: '3', price: '150' });
    await trading.place({ account: 1, side: 'buy', qty: '1', price: '150' });
    await trading.settle();
    await trading.place({ account: 1, side: 'buy', qty: '2', price: '150' }); // accepted, not executed
    dump = await takeDump({ databaseUrl: databaseUrl(), folder, programs });
  });
  after(async () => {
    await trading.stop();
    for (const target of targets) target.drop();
  });

  it('brings the same ledger and the same rows into an empty database', async () => {
    const into = await emptyTarget();
    const { facts, before } = await restore(into);
    expect(before).to.equal(null);
    expect(facts).to.deep.equal(dump.facts);
    expect(facts.ledger.postings).to.be.greaterThan(8);
    expect(facts.rows['public.work_items']).to.equal(1);
    const knex = connectKnex(into, 'test', 1); // as the application's role, which has its rights
    expect(await proveLedger(knex)).to.include({ balanced: true });
    await knex.destroy();
  });

  it('notices one amount, one time or one row that is changed in the copy', async () => {
    const into = await emptyTarget();
    await restore(into);
    const changes = [
      ['update postings set amount = amount + 1 where line = 1', /^ledger: /],
      [`update journals set created_at = created_at + interval '1 us'`, /^ledger: /],
      ['delete from account_events where event_id = 1', /^public.account_events: /],
    ] as const;
    for (const [sql, expected] of changes) {
      await withClient(into, async (client) => {
        await client.query('begin');
        for (const table of ['postings', 'journals', 'account_events']) {
          await client.query(`alter table ${table} disable trigger user`);
        }
        await client.query(sql);
        const lines = differences(dump.facts, await readFacts(client));
        expect(lines, sql).to.have.length(1);
        expect(lines[0], sql).to.match(expected);
      });
    }
  });

  it('refuses a dump of which one byte is different, before anything is done', async () => {
    const damaged = await takeDump({ databaseUrl: databaseUrl(), folder, programs });
    const file = await open(damaged.file, 'r+');
    await file.write(Buffer.from([0xff]), 0, 1, Math.floor(damaged.bytes / 2));
    await file.close();
    const into = onDatabase(databaseUrl(), `${databaseOf(databaseUrl())}_absent`);
    expect(await messageOf(restore(into, { dump: damaged }))).to.match(
      /is damaged: its SHA-256 is [\da-f]{64}, and was/,
    );
    expect(await messageOf(withClient(into, () => Promise.resolve()))).to.include('does not exist');
    await rename(damaged.file, `${damaged.file}.damaged`);
  });

  it('leaves a database that is not empty alone, unless told to take its place', async () => {
    const into = await emptyTarget();
    await withClient(into, (client) => client.query('create table precious as select 1 as one'));
    expect(await messageOf(restore(into))).to.match(/is not empty.*--overwrite/);

    const { before } = await restore(into, { overwrite: true });
    targets.push({ url: onDatabase(into, before!), drop: quiet });
    const tables = (url: string) =>
      withClient(url, async (client) => {
        const { rows } = await client.query<{ precious: string | null; orders: string | null }>(
          `select to_regclass('precious')::text as precious, to_regclass('orders')::text as orders`,
        );
        return rows[0];
      });
    expect(await tables(into)).to.deep.equal({ precious: null, orders: 'orders' });
    const kept = onDatabase(into, before!);
    expect(await tables(kept)).to.deep.equal({ precious: 'precious', orders: null });
  });

  it('says what differs when the copy is not what was dumped, and leaves none behind', async () => {
    const { ledger, rows } = dump.facts;
    const facts = {
      ledger: { ...ledger, hash: 'another' },
      rows: { ...rows, 'public.orders': 99 },
    };
    const name = `${databaseOf(databaseUrl())}_differs`;
    const into = onDatabase(databaseUrl(), name);
    const message = await messageOf(restore(into, { dump: { ...dump, facts } }));
    expect(message).to.match(/not what was dumped:\n {2}ledger: .* where the backup has another/);
    expect(message).to.match(/public.orders: 3, where the backup has 99/);
    expect(await messageOf(withClient(into, () => Promise.resolve()))).to.include('does not exist');
  });

  it('keeps what the rules say and removes files with what they say of themselves', async () => {
    const old = await takeDump({ databaseUrl: databaseUrl(), folder, programs });
    const newest = await takeDump({ databaseUrl: databaseUrl(), folder, programs });
    const removed = await rotateDumps(folder, newest.database, { daily: 1, weekly: 0, monthly: 0 });
    expect(removed).to.include(old.file);
    expect((await listDumps(folder)).map(({ file }) => file)).to.deep.equal([newest.file]);
    const left = (await readdir(dirname(old.file))).filter((name) => !name.endsWith('.damaged'));
    expect(left).to.have.length(2);
    dump = newest;
  });

  it('goes on with what was accepted, with a Redis that knows nothing', async () => {
    const into = await emptyTarget();
    await restore(into);
    const redis = await createTestRedis();
    const env = { DATABASE_URL: into, REDIS_URL: redis.url, MARKET_SIMULATOR: 'off' };
    const product = await startProduct({ env });
    try {
      await eventually(async () => {
        const { rows, ledger } = await withClient(into, readFacts);
        expect(rows['public.work_items']).to.equal(0);
        expect(rows['public.executions']).to.equal(2);
        expect(ledger.postings).to.be.greaterThan(dump.facts.ledger.postings);
      }, 20_000);
    } finally {
      await product.stop();
      await redis.close();
    }
  });

  it('tells how each kind of backup stands as metrics', async () => {
    const owner = connectKnex(databaseUrl(), 'test', 1, 'none');
    const at = new Date('2026-11-27T03:00:00Z');
    await recordSuccess(owner, 'dump', { coversAt: at, bytes: 4_711 });
    for (const error of ['first', 'second']) await recordFailure(owner, 'base', { at, error });
    await owner.destroy();
    await measureBackups(trading.container.db.knex);
    const metrics = await register.metrics();
    const name = 'brokerx_backup_last_success_timestamp_seconds';
    expect(metrics).to.include(`${name}{kind="dump"} ${at.getTime() / 1_000}\n`);
    expect(metrics).to.include(`${name}{kind="wal"} 0\n`);
    expect(metrics).to.include('brokerx_backup_size_bytes{kind="dump"} 4711\n');
    expect(metrics).to.include('brokerx_backup_failures{kind="base"} 2\n');
    expect(metrics).to.include('brokerx_backup_failures{kind="dump"} 0\n');
  });
});
