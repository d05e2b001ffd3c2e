import type { Knex } from 'knex';
import { macOf, parseAnchor, readLines, type Anchor, type AnchorFile } from './anchors.js';
import { readLinks, type Link } from './chain.js';
import type { FaultList } from './faults.js';

const BATCH = 1_000;

/** An anchor comes within seconds, while a worker runs; a restart of one is no reason to worry. */
export const ANCHORED_WITHIN_MS = 60_000;

/** Holds the anchors of any number of files against the chain of one snapshot. */
export class AnchorCheck {
  confirmed = 0;
  last: Link | null = null;
  private hasFiles = false;

  constructor(
    private readonly trx: Knex.Transaction,
    private readonly head: Link,
    private readonly faults: FaultList,
    private readonly key?: Buffer,
  ) {}

  /** @param since where an earlier check ended: earlier anchors are read, but not looked up again */
  async readFile(file: AnchorFile, since?: Link): Promise<void> {
    this.hasFiles = true;
    let number = 0;
    let previous: Anchor | null = null;
    let batch: { anchor: Anchor; where: string }[] = [];
    for await (const line of readLines(file)) {
      number += 1;
      const where = `${file.path}:${number}`;
      const anchor = parseAnchor(line);
      if (!anchor) {
        this.faults.add('anchor_unreadable', null, null, `${where} is not an anchor`);
        continue;
      }
      this.checkLine(anchor, previous, where);
      previous = anchor;
      if (since && anchor.seq < since.seq) this.note(anchor);
      else batch.push({ anchor, where });
      if (batch.length < BATCH) continue;
      await this.compare(batch);
      batch = [];
    }
    await this.compare(batch);
  }

  private note({ seq, hash }: Link): void {
    if (this.last === null || seq > this.last.seq) this.last = { seq, hash };
  }

  private checkLine(anchor: Anchor, previous: Anchor | null, where: string): void {
    const { seq, mac, prev } = anchor;
    if (this.key && macOf(this.key, anchor) !== mac) {
      const message = `${where} was not written with our key, or was edited`;
      this.faults.add('anchor_forged', seq, null, message);
    }
    if (prev !== (previous?.mac ?? null)) {
      const message = `${where} does not follow the line before it: one was edited, moved or cut`;
      this.faults.add('anchor_order', seq, null, message);
    } else if (previous && seq < previous.seq) {
      const message = `${where} is at ${seq}, after one at ${previous.seq}: the chain went back`;
      this.faults.add('anchor_order', seq, null, message);
    }
  }

  private async compare(batch: readonly { anchor: Anchor; where: string }[]): Promise<void> {
    if (batch.length === 0) return;
    const links = await readLinks(
      this.trx,
      batch.map(({ anchor }) => anchor.seq),
    );
    for (const { anchor, where } of batch) {
      const { seq, hash } = anchor;
      const found = links.get(seq);
      if (found?.equals(hash)) {
        this.confirmed += 1;
        this.note(anchor);
      } else if (seq > this.head.seq) {
        const message = `${where} saw link ${seq}, the chain ends at ${this.head.seq}: tail cut`;
        this.faults.add('anchor_beyond_head', seq, null, message);
      } else {
        const message = `${where} saw another chain up to link ${seq}: it was rewritten since`;
        this.faults.add('anchor_differs', seq, null, message);
      }
    }
  }

  /** Finds what should have an anchor by now: the end of the file was cut, or no worker runs. */
  async checkAge(now: Date): Promise<void> {
    if (!this.hasFiles) return;
    const seq = (this.last?.seq ?? 0n) + 1n;
    const { rows } = await this.trx.raw<{ rows: { id: string; content: string }[] }>(
      `select e.id, e.content from public.audit_chain c
       join public.audit_entries e on e.id = c.entry_id where c.seq = ?`,
      [seq.toString()],
    );
    const [next] = rows;
    if (!next || now.getTime() - timeOf(next.content) < ANCHORED_WITHIN_MS) return;
    const message =
      `no anchor covers link ${seq} and what follows, though it is older than ` +
      `${ANCHORED_WITHIN_MS / 1_000} s: the end of the anchors was cut, or no worker runs`;
    this.faults.add('anchors_behind', seq, next.id, message);
  }
}

/** When an act was done, in ms; 0 for what does not tell. */
function timeOf(content: string): number {
  try {
    const { occurred_at: text } = Object(JSON.parse(content)) as { occurred_at?: unknown };
    return typeof text === 'string' ? Date.parse(text) || 0 : 0;
  } catch {
    return 0; // tampered with, which the walk has found
  }
}
