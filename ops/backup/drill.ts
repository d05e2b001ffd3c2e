import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeBase } from '../../src/backup/base.js';
import type { Dump } from '../../src/backup/catalog.js';
import { takeDump } from '../../src/backup/dump.js';
import {
  differences,
  majorVersion,
  withClient,
  type DatabaseFacts,
} from '../../src/backup/facts.js';
import { PostgresPrograms } from '../../src/backup/programs.js';
import { recover } from '../../src/backup/recover.js';
import { restoreDump } from '../../src/backup/restore-dump.js';
import { databaseOf, onDatabase } from '../../src/backup/run-program.js';
import { startArchiving } from '../../src/backup/wal-archive.js';
import { takeOn } from '../../src/commands/staff.js';
import { connectDatabase, connectKnex, type Database } from '../../src/db.js';
import { createSealer } from '../../src/identity/sealer.js';
import { proveLedger } from '../../src/ledger/proof.js';
import { drained, readSymbols, seedTraders } from '../bench/floor.js';
import { startFreshInstance, type Instance } from '../bench/instance.js';
import { runLoad, type LoadOptions } from '../bench/load.js';
import { readOptions } from '../bench/options.js';
import {
  check,
  checkContent,
  checkFacts,
  checkTampering,
  count,
  countOrders,
  factsOf,
  factsOfOrders,
  say,
  timed,
} from './drill-checks.js';

/**
 * `npm run drill:restore -- --orders 100000`: a product of its own takes orders while a base backup, the
 * archive of the log and a dump are made of it. Then both are restored beside it and held against what it
 * was, and what the loss of the server would have cost is counted.
 */

const SYMBOLS = 20;
const CHUNK_S = 2;
const ANCHORED_WITHIN_MS = 6_000;
/** Of the product, which is never reached by anybody else. */
const SECRET = 'a-secret-of-the-restore-drill-and-of-nothing-else';

interface Place {
  readonly folder: string;
  readonly instance: Instance;
  readonly db: Database;
  readonly programs: PostgresPrograms;
  readonly load: Omit<LoadOptions, 'seconds' | 'seed'>;
}

/** Places orders until the database has so many. @returns how many were accepted */
async function placeUntil(
  { load, instance }: Place,
  orders: number,
  seed: number,
): Promise<number> {
  let accepted = 0;
  for (let chunk = 0; (await countOrders(instance.databaseUrl)) < orders; chunk++) {
    const result = await runLoad({ ...load, seconds: CHUNK_S, seed: seed + chunk });
    if (result.accepted === 0)
      throw new Error(`no order was accepted: ${[...result.refused.keys()].join()}`);
    accepted += result.accepted;
  }
  return accepted;
}

async function restoreTheDump(place: Place, dump: Dump, anchorFile: string): Promise<void> {
  const { instance, programs } = place;
  const into = onDatabase(instance.databaseUrl, 'brokerx_drill');
  const request = { dump, into, overwrite: false, programs, say: () => undefined };
  const [{ facts }, time] = await timed(() => restoreDump(request));
  say(`        dump restored in ${time} (RTO of a dump of ${(dump.bytes / 1e6).toFixed(1)} MB)`);
  checkFacts('dump', dump.facts, facts);
  await checkContent('dump', into, anchorFile);
  await checkTampering(into, dump.facts);
  const [there, lost] = [await countOrders(instance.databaseUrl), facts.rows['public.orders'] ?? 0];
  say(`        with the dump alone ${there - lost} of ${there} orders would be lost`);
}

interface Moment {
  readonly at: Date;
  readonly facts: DatabaseFacts;
}

async function recoverTheMoment(place: Place, moment: Moment, anchorFile: string): Promise<void> {
  const { folder, programs, instance } = place;
  const [recovered, time] = await timed(() =>
    recover({ folder, target: moment.at, programs, say: () => undefined }),
  );
  try {
    say(`        recovered to ${moment.at.toISOString()} in ${time} (RTO of base backup and log)`);
    const url = recovered.url(databaseOf(instance.databaseUrl));
    checkFacts('moment', moment.facts, await factsOf(url));
    await checkContent('moment', url, anchorFile);
  } finally {
    await recovered.stop();
  }
}

/** What is lost when server and receiver are gone in the middle of the orders. */
async function recoverTheEnd(place: Place, cut: { at: Date; orders: number }): Promise<void> {
  const { folder, programs, instance } = place;
  const [recovered, time] = await timed(() =>
    recover({ folder, target: 'end', programs, say: () => undefined }),
  );
  try {
    const url = recovered.url(databaseOf(instance.databaseUrl));
    const { orders, last } = await factsOfOrders(url);
    const lost = Math.max(0, cut.orders - orders);
    const lostMs = Math.max(0, cut.at.getTime() - last.getTime());
    say(`        recovered to the end of the archive in ${time}`);
    say(
      `        RPO: of ${cut.orders} orders committed when all was cut off, ${lost} are lost; the last one there is ${lostMs} ms older than the cut`,
    );
    check(lostMs < 1_000, 'end: less than a second is lost');
    const knex = connectKnex(url, 'drill', 1);
    const { balanced } = await proveLedger(knex).finally(() => knex.destroy());
    check(balanced, 'end: the ledger balances');
  } finally {
    await recovered.stop();
  }
}

async function drill(place: Place, orders: number, anchorFile: string): Promise<void> {
  const { folder, instance, programs, db } = place;
  const request = { databaseUrl: instance.databaseUrl, folder, programs };
  const archiving = await startArchiving(request);
  try {
    say(`Placing ${orders} orders; base backup, archive of the log and dump meanwhile`);
    const half = placeUntil(place, orders / 2, 1);
    await sleep(CHUNK_S * 1_000);
    const [base, baseTime] = await timed(() => takeBase(request));
    check(
      base.archive === archiving.name,
      `base backup of ${(base.bytes / 1e6).toFixed(1)} MB in ${baseTime}, under orders`,
    );
    await half;
    const more = placeUntil(place, orders * 0.7, 1_000);
    await sleep(1_000);
    const [dump, dumpTime] = await timed(() => takeDump(request));
    check(true, `dump of ${(dump.bytes / 1e6).toFixed(1)} MB in ${dumpTime}, under orders`);
    await more;
    await drained(db);
    const moment = await settledMoment(instance.databaseUrl);
    await takeOn(db.knex, createSealer(SECRET), {
      email: 'later@drill.brokerx.example',
      role: 'ops',
      first_name: 'Later',
      last_name: 'Entry',
    });
    await sleep(ANCHORED_WITHIN_MS);
    const rest = placeUntil(place, orders, 2_000);
    await sleep(CHUNK_S * 500);
    const { orders: committed } = await factsOfOrders(instance.databaseUrl);
    const cut = { at: new Date(), orders: committed };
    archiving.child.kill('SIGKILL');
    await rest;
    await drained(db);
    say(`${await countOrders(instance.databaseUrl)} orders are there; restoring`);
    await restoreTheDump(place, dump, anchorFile);
    await recoverTheMoment(place, moment, anchorFile);
    await recoverTheEnd(place, cut);
  } finally {
    archiving.child.kill('SIGKILL');
    await archiving.ended;
  }
}

/** What is there, and a moment before and after which nothing was written that counts. */
async function settledMoment(url: string): Promise<Moment> {
  for (;;) {
    const before = await factsOf(url);
    const at = await withClient(url, async (client) => {
      const { rows } = await client.query<{ at: Date }>('select clock_timestamp() as at');
      return rows[0]!.at;
    });
    const after = await factsOf(url);
    if (differences(before, after).length === 0) return { at, facts: after };
  }
}

async function main(): Promise<void> {
  const { orders, accounts, concurrency } = readOptions({
    orders: 20_000,
    accounts: 200,
    concurrency: 64,
  });
  const folder = await mkdtemp(join(tmpdir(), 'brokerx-drill-'));
  const anchorFile = join(folder, 'anchors.jsonl');
  const env = { AUDIT_ANCHOR_FILE: anchorFile };
  const instance = await startFreshInstance(1, { env });
  const db = connectDatabase(instance.databaseUrl, 'drill', 2);
  try {
    const symbols = await readSymbols(db, SYMBOLS);
    const traders = await seedTraders(db, accounts, symbols);
    const major = await withClient(instance.databaseUrl, majorVersion);
    const programs = new PostgresPrograms(major, folder, say);
    const load = { url: instance.url, accounts: traders, symbols, concurrency };
    await drill(
      { folder: join(folder, 'backups'), instance, db, programs, load },
      orders,
      anchorFile,
    );
  } finally {
    await db.close();
    await instance.stop();
    await rm(folder, { recursive: true, force: true });
  }
  say(`${count.passed} passed, ${count.failed} failed`);
  if (count.failed > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  say(`${count.passed} passed, ${count.failed + 1} failed`);
  process.exitCode = 1;
});
