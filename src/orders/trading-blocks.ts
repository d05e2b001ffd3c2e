/** One row of `trading_blocks`. */
export interface BlockRow {
  kind: 'kill' | 'restrict' | 'halt';
  scope: 'global' | 'account' | 'asset';
  target: string | null;
}

export type BlockReason = 'kill_switch' | 'client_restricted' | 'instrument_halted';

/** What must not trade at this moment, as one transaction sees it. */
export class TradingBlocks {
  /** True when the global kill switch is on. */
  readonly isEverything: boolean;
  private readonly blocked = new Map<string, BlockReason>();
  private readonly killedAccounts = new Set<string>();

  constructor(rows: readonly BlockRow[]) {
    this.isEverything = rows.some(({ kind, scope }) => kind === 'kill' && scope === 'global');
    for (const { kind, scope, target } of rows) {
      if (target === null) continue;
      if (kind === 'kill' && scope === 'account') this.killedAccounts.add(target);
      this.blocked.set(target, REASONS[kind]);
    }
  }

  /** Why nothing of this account may trade this asset, or null. */
  of(accountId: string, assetId: string): BlockReason | null {
    if (this.isEverything) return REASONS.kill;
    if (this.blocked.size === 0) return null;
    return (
      this.killed(accountId) ?? this.blocked.get(accountId) ?? this.blocked.get(assetId) ?? null
    );
  }

  /** Why even what the account has in the book may not trade, or null. */
  killed(accountId: string): BlockReason | null {
    return this.isEverything || this.killedAccounts.has(accountId) ? REASONS.kill : null;
  }
}

const REASONS: Record<BlockRow['kind'], BlockReason> = {
  kill: 'kill_switch',
  restrict: 'client_restricted',
  halt: 'instrument_halted',
};
