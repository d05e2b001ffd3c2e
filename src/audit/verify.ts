import type { Knex } from 'knex';
import { AnchorCheck } from './anchor-check.js';
import type { AnchorFile } from './anchors.js';
import {
  GENERATED_COLUMNS,
  GENESIS,
  hashAfter,
  readChain,
  readHead,
  readLinks,
  type GeneratedColumn,
  type Link,
  type LinkedRow,
} from './chain.js';
import { FaultList, type Fault } from './faults.js';
import { findUnlinked, findUnprotected } from './loose-ends.js';

export interface VerifyOptions {
  /** Files of anchors; without them nobody notices when an owner has rewritten all of the chain. */
  readonly anchorFiles: readonly AnchorFile[];
  /** Absent: who may write the files can have forged their lines. */
  readonly anchorKey?: Buffer;
  /** A link that an earlier verification ended with: only what came behind it is looked at. */
  readonly since?: Link;
  readonly now?: Date;
}

export interface Verification {
  /** How many links were looked at. */
  readonly entries: number;
  /** The last link of the chain. */
  readonly head: Link;
  readonly anchors: {
    /** How many of them agree with the chain. */
    readonly confirmed: number;
    /** The last one that agrees; what came later has no witness outside the database. */
    readonly last: Link | null;
  };
  /** The first thousand of them, by place. */
  readonly faults: readonly Fault[];
  /** How many there are. */
  readonly faultCount: number;
}

/**
 * Recomputes the chain from the entries' text and holds it against its head and its anchors, in one
 * snapshot and in bounded memory.
 * @param knex as the application, or as any role that may read the tables of the log
 * @throws Error when it could not be checked: a table is missing, or not a table, or not readable
 */
export function verifyAudit(knex: Knex, options: VerifyOptions): Promise<Verification> {
  return knex.transaction(
    async (trx) => {
      await trx.raw('set local row_security = off'); // an error rather than a part of the rows
      return verifySnapshot(trx, options);
    },
    { isolationLevel: 'repeatable read', readOnly: true },
  );
}

async function verifySnapshot(
  trx: Knex.Transaction,
  { anchorFiles, anchorKey, since, now = new Date() }: VerifyOptions,
): Promise<Verification> {
  const faults = new FaultList();
  await findUnprotected(trx, faults);
  const walk = new ChainWalk(faults, since ?? GENESIS);
  for await (const page of readChain(trx, walk.last.seq)) for (const row of page) walk.step(row);
  checkHead(await readHead(trx), walk.last, faults);
  if (since) await checkStart(trx, since, faults);
  else await findUnlinked(trx, faults);
  const anchors = new AnchorCheck(trx, walk.last, faults, anchorKey);
  for (const file of anchorFiles) await anchors.readFile(file, since);
  await anchors.checkAge(now);
  const { confirmed, last } = anchors;
  const { first, count } = faults;
  return {
    entries: walk.count,
    head: walk.last,
    anchors: { confirmed, last },
    faults: first,
    faultCount: count,
  };
}

/** What was verified earlier must still be what it was. */
async function checkStart(trx: Knex.Transaction, since: Link, faults: FaultList): Promise<void> {
  const found = since.seq === 0n ? since.hash : (await readLinks(trx, [since.seq])).get(since.seq);
  if (found?.equals(since.hash)) return;
  const message = `link ${since.seq} is not the one that was there at the last verification`;
  faults.add('hash', since.seq, null, message);
}

/** Holds each link against the one before it and the text of its entry. */
class ChainWalk {
  count = 0;
  /** False behind a gap: what the next hash is built on is not known. */
  private isKnown = true;

  constructor(
    private readonly faults: FaultList,
    public last: Link,
  ) {}

  step(row: LinkedRow): void {
    const seq = BigInt(row.seq);
    const expected = this.last.seq + 1n;
    this.count += 1;
    if (seq < expected) {
      this.faults.add('duplicate', seq, row.entry_id, `link ${seq} is there more than once`);
      return;
    }
    if (seq > expected) {
      const missing = seq - 1n === expected ? `${expected}` : `${expected} to ${seq - 1n}`;
      this.faults.add('gap', expected, null, `link ${missing} is missing; deleted`);
      this.isKnown = false;
    }
    if (row.content === null || row.id === null) {
      const message = `the entry ${row.entry_id} of link ${seq} is missing; deleted`;
      this.faults.add('missing_entry', seq, row.entry_id, message);
    } else {
      if (this.isKnown && !hashAfter(this.last, row.content).equals(row.hash)) {
        this.faults.add('hash', seq, row.entry_id, WRONG_HASH);
      }
      checkColumns(row, row.content, this.faults);
    }
    this.last = { seq, hash: row.hash }; // as it is kept, so that one change is one fault
    this.isKnown = true;
  }
}

const WRONG_HASH =
  "the hash does not cover this entry's text and the link before it: " +
  'one of them was edited, moved, put in, or taken out';

function checkColumns(row: LinkedRow, content: string, faults: FaultList): void {
  const differing = columnsUnlike(content, row.columns ?? {});
  if (differing.length === 0) return;
  const message = `${differing.join(', ')} not as in the text: a search may leave the entry out`;
  faults.add('columns', BigInt(row.seq), row.entry_id, message);
}

function columnsUnlike(
  content: string,
  columns: Readonly<Partial<Record<GeneratedColumn, string | null>>>,
): string[] {
  let entry: unknown;
  try {
    entry = JSON.parse(content);
  } catch {
    return ['the text is not JSON, and its columns'];
  }
  return Object.entries(GENERATED_COLUMNS)
    .filter(([name, path]) => valueAt(entry, path) !== columns[name as GeneratedColumn])
    .map(([name]) => name);
}

function valueAt(entry: unknown, path: readonly string[]): string | null {
  let value = entry;
  for (const name of path) value = (Object(value) as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : null;
}

function checkHead(head: Link | undefined, last: Link, faults: FaultList): void {
  if (head?.seq === last.seq && head.hash.equals(last.hash)) return;
  const kept = head ? `is at ${head.seq}` : 'is missing';
  const message = `the head ${kept} and the last link is ${last.seq}: the tail was cut or put on`;
  faults.add('head', last.seq, null, message);
}
