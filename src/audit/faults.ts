/** What is wrong with the audit log. Permanent strings: alerts and scripts read them. */
export type FaultKind =
  | 'gap'
  | 'duplicate'
  | 'hash'
  | 'missing_entry'
  | 'unlinked'
  | 'columns'
  | 'head'
  | 'unprotected'
  | 'anchor_unreadable'
  | 'anchor_forged'
  | 'anchor_order'
  | 'anchor_differs'
  | 'anchor_beyond_head'
  | 'anchors_behind';

export interface Fault {
  readonly kind: FaultKind;
  /** The link's number, where there is one. */
  readonly seq: bigint | null;
  readonly entry_id: string | null;
  readonly message: string;
}

const FAULTS_KEPT = 1_000;

/** Counts faults and keeps the first ones: a chain that was renumbered has one at every link. */
export class FaultList {
  readonly first: Fault[] = [];
  count = 0;

  add(kind: FaultKind, seq: bigint | null, entry_id: string | null, message: string): void {
    this.count += 1;
    if (this.first.length < FAULTS_KEPT) this.first.push({ kind, seq, entry_id, message });
  }
}
