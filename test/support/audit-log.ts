import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import knexFactory, { type Knex } from 'knex';
import { anchorKey, openAnchors } from '../../src/audit/anchors.js';
import { GENESIS, hashAfter, type Link } from '../../src/audit/chain.js';
import type { FaultKind } from '../../src/audit/faults.js';
import { recordAct, systemActor } from '../../src/audit/record.js';
import { verifyAudit, type Verification } from '../../src/audit/verify.js';
import { AuditWatch } from '../../src/audit/watch.js';
import { createLogger } from '../../src/log.js';
import { startTrading, type Trading } from './trading.js';

/** All of the audit log, to be changed as somebody would who owns the database. */
export interface WholeLog {
  entries: { id: string; content: string }[];
  chain: { seq: number; entry_id: string; hash: string }[];
  head: { seq: number; hash: string };
}

const TABLES = ['audit_entries', 'audit_chain', 'audit_head'];
const onAllTables = (what: string): string =>
  TABLES.map((table) => `alter table ${table} ${what};`).join('\n');

export async function readLog(trading: Trading): Promise<WholeLog> {
  const { knex } = trading.container.db;
  const { rows } = await knex.raw<{ rows: { log: WholeLog }[] }>(`
    select json_build_object(
      'entries', (select json_agg(json_build_object('id', id, 'content', content) order by id)
        from audit_entries),
      'chain', (select json_agg(json_build_object(
          'seq', seq, 'entry_id', entry_id, 'hash', encode(hash, 'hex')) order by seq)
        from audit_chain),
      'head', (select json_build_object('seq', seq, 'hash', encode(hash, 'hex'))
        from audit_head)) as log`);
  return rows[0]!.log;
}

/** Puts another log in the place of the database's own, with its triggers off meanwhile. */
export async function writeLog(trading: Trading, log: WholeLog): Promise<void> {
  await asOwner(trading, async (owner) => {
    await owner.raw(onAllTables('disable trigger user'));
    await owner.raw('delete from audit_chain');
    await owner.raw('delete from audit_entries');
    await owner('audit_entries').insert(log.entries);
    await owner('audit_chain').insert(
      log.chain.map(({ hash, ...link }) => ({ ...link, hash: Buffer.from(hash, 'hex') })),
    );
    const { seq, hash } = log.head;
    await owner('audit_head').update({ seq, hash: Buffer.from(hash, 'hex') });
    await owner.raw(onAllTables('enable trigger user'));
  });
}

async function asOwner(trading: Trading, work: (owner: Knex) => Promise<void>): Promise<void> {
  const owner = knexFactory({ client: 'pg', connection: trading.container.config.databaseUrl });
  try {
    await owner.transaction(work);
  } finally {
    await owner.destroy();
  }
}

/** Numbers the links from 1 again, in their order. */
export function renumber({ chain }: WholeLog): void {
  for (const [index, link] of chain.entries()) link.seq = index + 1;
}

/** Computes all hashes anew, and the head: what an owner can do who knows how. */
export function rechain(log: WholeLog): void {
  let last: Link = GENESIS;
  for (const link of log.chain) {
    const { content } = log.entries.find(({ id }) => id === link.entry_id)!;
    const hash = hashAfter(last, content);
    link.hash = hash.toString('hex');
    last = { seq: BigInt(link.seq), hash };
  }
  resetHead(log);
}

/** Lets the head be the last link. */
export function resetHead(log: WholeLog): void {
  const { seq, hash } = log.chain.at(-1)!;
  log.head = { seq, hash };
}

/** Texts that are hard to keep as they are; the fourth Postgres could not keep at all. */
export const REASONS = [
  'plain',
  'é 漢 🙂',
  'C:\\u0000 \\ " \n\t',
  'nul \0 half \uD800 end',
  '{"id":"x"}',
];
export const ENTRIES = 12;
const ANCHORED_EVERY = 4;

/** A log of a dozen entries with three anchors, to be tampered with and made whole again. */
export interface AuditedLog {
  readonly trading: Trading;
  readonly folder: string;
  readonly file: string;
  readonly sound: { readonly log: WholeLog; readonly anchors: string };
  newWatch(secretsKey?: string): AuditWatch;
  record(index: number): Promise<void>;
  /** Everything, or all but the anchors. */
  verify(options?: { now?: Date; withFile?: boolean }): Promise<Verification>;
  /** Puts the sound log with a change in the place of the database's. */
  plant(change: (log: WholeLog) => void): Promise<void>;
  /** Puts other lines in the place of the three anchors. */
  plantAnchors(change: (lines: string[]) => string[]): Promise<void>;
  restore(): Promise<void>;
  stop(): Promise<void>;
}

export async function startAuditedLog(): Promise<AuditedLog> {
  const trading = await startTrading(1);
  const { db, config } = trading.container;
  const folder = await mkdtemp(join(tmpdir(), 'audit-'));
  const file = join(folder, 'more', 'anchors.jsonl');
  const log = createLogger('error', 'test');
  log.silent = true; // errors are what is expected here
  const newWatch = (secretsKey = config.secretsKey): AuditWatch =>
    new AuditWatch({ knex: db.knex, log, anchorFile: file, anchorKey: anchorKey(secretsKey) });
  const record = (index: number): Promise<void> =>
    recordAct(db.knex, systemActor('test'), {
      action: 'limits.set',
      subject: { account_id: trading.accounts[0]!.account_id, symbol: 'AAPL' },
      before: { max_order_qty: `${1_000 + index}` },
      after: { max_order_qty: '5' },
      reason: REASONS[index % REASONS.length]!,
    });
  const watch = newWatch();
  for (let index = 0; index < ENTRIES; index += 1) {
    await record(index);
    if ((index + 1) % ANCHORED_EVERY === 0) await watch.anchor(new Date());
  }
  const sound = { log: await readLog(trading), anchors: await readFile(file, 'utf8') };
  return {
    trading,
    folder,
    file,
    sound,
    newWatch,
    record,
    async verify({ now, withFile = true } = {}) {
      const anchorFiles = withFile ? [(await openAnchors(file))!] : [];
      const key = anchorKey(config.secretsKey);
      return verifyAudit(db.knex, { anchorFiles, anchorKey: key, ...(now && { now }) });
    },
    async plant(change) {
      const log = structuredClone(sound.log);
      change(log);
      await writeLog(trading, log);
    },
    async plantAnchors(change) {
      const lines = change(sound.anchors.trimEnd().split('\n'));
      await writeFile(file, lines.map((line) => `${line}\n`).join(''));
    },
    async restore() {
      await writeLog(trading, sound.log);
      await writeFile(file, sound.anchors);
    },
    async stop() {
      await trading.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Changes an entry's text and nothing else. */
export function edit(log: WholeLog, seq: number, from: string, to: string): void {
  const entry = log.entries.find(({ id }) => id === log.chain[seq - 1]!.entry_id)!;
  expect(entry.content).to.include(from);
  entry.content = entry.content.replace(from, to);
}

/** Asserts that these faults were found, in this order, and no others. */
export function expectFaults(
  { faults, faultCount }: Verification,
  ...expected: [FaultKind, number | null][]
): void {
  const found = faults.map(({ kind, seq }) => [kind, seq === null ? null : Number(seq)]);
  expect(found).to.deep.equal(expected);
  expect(faultCount).to.equal(expected.length);
}
