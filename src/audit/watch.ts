import type { Knex } from 'knex';
import type { Logger } from '../log.js';
import { appendAnchor, lastAnchor, macOf, openAnchors, type Anchor } from './anchors.js';
import { readHead, readLinks, type Link } from './chain.js';
import { auditChainBroken, auditEntries, auditFaults, auditVerifiedAt } from './metrics.js';
import { verifyAudit } from './verify.js';
import { ADVISORY_LOCKS } from '../advisory-locks.js';

export interface AuditWatchDeps {
  readonly knex: Knex;
  readonly log: Logger;
  /** AUDIT_ANCHOR_FILE */
  readonly anchorFile: string;
  readonly anchorKey: Buffer;
}

const LOGGED_EVERY_MS = 60_000;
const FULL_EVERY_MS = 24 * 3_600_000;
const FAULTS_LOGGED_MAX = 20;

/** Keeps the audit log honest while the product runs: anchors its head, and verifies it. */
export class AuditWatch {
  /** The last anchor that this process has seen; a file that lost it was cut. */
  private known: Anchor | null = null;
  private anchorsAreBroken = false;
  private faultCount = 0;
  private loggedAt = -Infinity;
  private complainedAt = -Infinity;
  /** Where the last verification without a fault ended, and when all of the chain was read. */
  private verified: (Link & { readonly fullAt: number }) | null = null;

  constructor(private readonly deps: AuditWatchDeps) {}

  /**
   * Writes the head of the chain into the file of anchors when it has moved, after a look at whether
   * the chain still continues from the last anchor. Safe to run twice at once.
   * @returns the anchor; null when there was nothing to anchor, or something is wrong
   */
  anchor(now: Date): Promise<Anchor | null> {
    return this.deps.knex.transaction(async (trx) => {
      const { rows } = await trx.raw<{ rows: { taken: boolean }[] }>(
        'select pg_try_advisory_xact_lock(?) as taken',
        [ADVISORY_LOCKS.auditAnchor],
      );
      return rows[0]!.taken ? this.anchorHead(trx, now) : null;
    });
  }

  private async anchorHead(trx: Knex.Transaction, now: Date): Promise<Anchor | null> {
    const { anchorFile, anchorKey, log } = this.deps;
    const last = await lastAnchor(anchorFile);
    const head = await readHead(trx);
    const fault = await this.faultOf(trx, last, head);
    this.anchorsAreBroken = fault !== null;
    this.tell();
    if (fault !== null) return this.complain(fault, now);
    this.known = last;
    if (!head || head.seq === 0n || head.seq === last?.seq) return null;
    if (!last) log.warn('a new file of audit anchors begins', { anchorFile, seq: head.seq });
    const anchor = await appendAnchor(anchorFile, anchorKey, head, now);
    this.known = anchor;
    if (now.getTime() - this.loggedAt >= LOGGED_EVERY_MS) {
      this.loggedAt = now.getTime();
      const { at, seq, hash, mac } = anchor;
      log.info('audit anchor', { at, seq, hash: hash.toString('hex'), mac });
    }
    return anchor;
  }

  /** Why the chain does not continue from what is known; null when it does. */
  private async faultOf(
    trx: Knex.Transaction,
    last: Anchor | null,
    head: Link | undefined,
  ): Promise<string | null> {
    const { known } = this;
    if (!head) return 'the head of the chain is missing';
    if (known && (!last || last.seq < known.seq)) return 'the file of anchors has lost its last';
    if (last && macOf(this.deps.anchorKey, last) !== last.mac) {
      return 'the last anchor was not written with our key, or was edited';
    }
    const points = [known, last, head].filter((link) => link !== null && link.seq > 0n) as Link[];
    const links = await readLinks(
      trx,
      points.map(({ seq }) => seq),
    );
    const lost = points.find(({ seq, hash }) => !links.get(seq)?.equals(hash));
    if (lost) return `link ${lost.seq} is gone or not the one that was there`;
    if (last && last.seq > head.seq) return `the chain ends before its anchor at ${last.seq}`;
    return null;
  }

  private complain(fault: string, now: Date): null {
    if (now.getTime() - this.complainedAt >= LOGGED_EVERY_MS) {
      this.complainedAt = now.getTime();
      const { anchorFile } = this.deps;
      this.deps.log.error('the audit chain is broken, or its anchors are', { fault, anchorFile });
    }
    return null;
  }

  /**
   * Verifies what came since the last time; all of the chain at first, once a day, and for as long as
   * something is wrong.
   */
  async verify(now: Date): Promise<void> {
    const { knex, log, anchorFile, anchorKey } = this.deps;
    const time = now.getTime();
    const { verified } = this;
    const isFull = verified === null || time - verified.fullAt >= FULL_EVERY_MS;
    const file = await openAnchors(anchorFile);
    const { head, faults, faultCount } = await verifyAudit(knex, {
      anchorFiles: file ? [file] : [],
      anchorKey,
      ...(!isFull && { since: verified }),
      now,
    });
    this.verified = faultCount > 0 ? null : { ...head, fullAt: isFull ? time : verified.fullAt };
    this.faultCount = faultCount;
    this.tell();
    auditFaults.set(faultCount);
    auditEntries.set(Number(head.seq));
    auditVerifiedAt.set(time / 1_000);
    if (faultCount === 0) return;
    const shown = faults.slice(0, FAULTS_LOGGED_MAX);
    log.error('the audit log was tampered with', { faultCount, faults: shown });
  }

  private tell(): void {
    auditChainBroken.set(this.anchorsAreBroken || this.faultCount > 0 ? 1 : 0);
  }
}
