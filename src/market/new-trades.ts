import type { Database, Statement } from '../db.js';

/** A trade as the market sees it: nobody learns who traded. Price in 10^-4 USD, qty in 10^-9. */
export interface TapeTrade {
  readonly seq: bigint;
  readonly executionId: string;
  readonly assetId: string;
  readonly price: bigint;
  readonly qty: bigint;
  readonly takerSide: 'buy' | 'sell';
  readonly executedAt: Date;
}

/** So many trades of an asset are read at once. */
const PER_ASSET = 1_000;

/** Where each asset's bars end: no more than a second behind what was told before. */
const ADDED_UP: Statement = {
  name: 'market-added-up',
  text: `select asset_id as "assetId", last_seq as "lastSeq" from market_tape`,
};

/** $1 assets, $2 the number of each after which to read, $3 how many trades of each. */
const NEXT_TRADES: Statement = {
  name: 'market-next-trades',
  text: `select e.seq, e.id as "executionId", e.asset_id as "assetId", e.price, e.qty,
      e.taker_side as "takerSide", e.executed_at as "executedAt"
    from unnest($1::uuid[], $2::bigint[]) as c (asset_id, last_seq)
    cross join lateral (
      select * from executions e where e.asset_id = c.asset_id and e.seq > c.last_seq
      order by e.seq limit $3) e
    order by e.seq`,
};

/**
 * The trades of each asset, one after the other, for those who listen now. It remembers in memory where
 * it is and writes nothing; it begins where the bars end.
 */
export class NewTrades {
  private readonly lastSeqs = new Map<string, bigint>();
  private hasBegun = false;

  constructor(private readonly db: Pick<Database, 'run'>) {}

  /** To be called when nobody listens: what happens until somebody does is not told. */
  forget(): void {
    this.lastSeqs.clear();
    this.hasBegun = false;
  }

  /**
   * @returns what is new of these assets, by its numbers, and the assets of which there may be more
   */
  async read(assetIds: readonly string[]): Promise<{ trades: TapeTrade[]; unfinished: string[] }> {
    if (!this.hasBegun) await this.begin();
    if (assetIds.length === 0) return { trades: [], unfinished: [] };
    const after = assetIds.map((id) => this.lastSeqs.get(id) ?? 0n);
    const trades = await this.db.run<TapeTrade>(NEXT_TRADES, [assetIds, after, PER_ASSET]);
    const counts = new Map<string, number>();
    for (const { assetId, seq } of trades) {
      this.lastSeqs.set(assetId, seq);
      counts.set(assetId, (counts.get(assetId) ?? 0) + 1);
    }
    const unfinished = [...counts].filter(([, count]) => count >= PER_ASSET).map(([id]) => id);
    return { trades, unfinished };
  }

  private async begin(): Promise<void> {
    const rows = await this.db.run<{ assetId: string; lastSeq: bigint }>(ADDED_UP, []);
    for (const { assetId, lastSeq } of rows) this.lastSeqs.set(assetId, lastSeq);
    this.hasBegun = true;
  }
}
