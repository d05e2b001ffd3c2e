import { openAnchors } from '../../src/audit/anchors.js';
import { verifyAudit } from '../../src/audit/verify.js';
import {
  differences,
  inSnapshot,
  readFacts,
  withClient,
  type DatabaseFacts,
} from '../../src/backup/facts.js';
import { connectKnex } from '../../src/db.js';
import { proveLedger } from '../../src/ledger/proof.js';

/** What the drill looks at in a restored copy; each line counts as passed or failed. */

export const say = (text: string): void => void process.stdout.write(`${text}\n`);
export const count = { passed: 0, failed: 0 };

export function check(passed: boolean, text: string): void {
  count[passed ? 'passed' : 'failed'] += 1;
  say(`${passed ? 'ok     ' : 'FAILED '} ${text}`);
}

/** Runs it and says how long it took. @returns what it returns, and the seconds */
export async function timed<Result>(work: () => Promise<Result>): Promise<[Result, string]> {
  const startedAt = performance.now();
  const result = await work();
  return [result, `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`];
}

export const factsOf = (url: string): Promise<DatabaseFacts> =>
  withClient(url, (client) => inSnapshot(client, () => readFacts(client)));

export const countOrders = async (url: string): Promise<number> =>
  (await factsOfOrders(url)).orders;

export async function factsOfOrders(url: string): Promise<{ orders: number; last: Date }> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ orders: string; last: Date }>(
      'select count(*) as orders, max(created_at) as last from orders',
    );
    return { orders: Number(rows[0]!.orders), last: rows[0]!.last };
  });
}

/** The ledger balances, and the audit log is whole up to where it was. */
export async function checkContent(what: string, url: string, anchorFile: string): Promise<void> {
  const knex = connectKnex(url, 'drill', 1);
  try {
    const { balanced, total } = await proveLedger(knex);
    check(
      balanced,
      `${what}: the ledger balances, ${total.balances} balances recomputed from ${total.postings} postings`,
    );
    const alone = await verifyAudit(knex, { anchorFiles: [] });
    check(alone.faultCount === 0, `${what}: the audit log of ${alone.entries} entries is whole`);
    const anchors = (await openAnchors(anchorFile))!;
    const { faults, anchors: held } = await verifyAudit(knex, { anchorFiles: [anchors] });
    const kinds = new Set(faults.map(({ kind }) => kind));
    const onlyCut = [...kinds].every((kind) => kind === 'anchor_beyond_head');
    check(
      onlyCut && kinds.size === 1 && held.confirmed > 0,
      `${what}: ${held.confirmed} anchors agree with it, those of later (${faults.length}) are told to be beyond its end`,
    );
  } finally {
    await knex.destroy();
  }
}

export function checkFacts(what: string, expected: DatabaseFacts, found: DatabaseFacts): void {
  const lines = differences(expected, found);
  const tables = Object.keys(expected.rows).length;
  const { hash, postings } = expected.ledger;
  check(
    lines.length === 0,
    `${what}: ledger hash ${hash.slice(0, 16)}... over ${postings} postings, rows of ${tables} tables ${lines.join('; ')}`,
  );
}

/** A row that is changed must show, or the comparison says nothing. */
export async function checkTampering(url: string, expected: DatabaseFacts): Promise<void> {
  await withClient(url, async (client) => {
    await client.query('begin');
    await client.query('alter table postings disable trigger user');
    await client.query(
      'update postings set amount = amount + 1 where (journal_id, line) = (select journal_id, line from postings limit 1)',
    );
    const lines = differences(expected, await readFacts(client));
    await client.query('rollback');
    check(
      lines.some((line) => line.startsWith('ledger')),
      'an amount that is changed by 0.0001 in the copy is noticed',
    );
  });
}
