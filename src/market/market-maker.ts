import type { TradableAsset } from '../assets/catalog.js';
import type { Database } from '../db.js';
import { DomainError } from '../errors.js';
import { MAKER_ACCOUNT } from '../ledger/house.js';
import type { Logger } from '../log.js';
import type { Intake } from '../orders/intake.js';
import { openOrderIds } from '../orders/model.js';
import { quotesAround, type Quote } from './quotes.js';

interface OpenQuote {
  orderId: string;
  assetId: string;
  filledQty: bigint;
  qty: bigint;
}

/** The reference may move this far before an asset is quoted anew; less than the inner distance. */
const REQUOTE_BPS = 2n;
const BPS_ONE = 10_000n;

/**
 * The house market maker: keeps quotes around the simulated reference prices, through the same
 * intake, holds and matching as every client. An asset is quoted anew when its reference has moved
 * or when half of some quote is gone.
 */
export class MarketMaker {
  private readonly quotedAt = new Map<string, bigint>();

  constructor(
    private readonly db: Database,
    private readonly intake: Intake,
    private readonly log: Logger,
  ) {}

  /** Brings the quotes of all assets in line with their reference prices, in 10^-4 USD. */
  async refresh(assets: readonly TradableAsset[], references: Map<string, bigint>): Promise<void> {
    const open = await this.openQuotes();
    const stale = assets.filter((asset) => {
      const reference = references.get(asset.id);
      return (
        reference !== undefined && this.needsQuotes(asset, reference, open.get(asset.id) ?? [])
      );
    });
    // Cancellations first, and durable: a new quote must never meet an old one of our own.
    await Promise.all(
      stale.flatMap(({ id }) => (open.get(id) ?? []).map(({ orderId }) => this.cancel(orderId))),
    );
    await Promise.all(stale.map((asset) => this.quote(asset, references.get(asset.id)!)));
  }

  private needsQuotes({ id }: TradableAsset, reference: bigint, open: OpenQuote[]): boolean {
    const quoted = this.quotedAt.get(id);
    if (quoted === undefined || open.length === 0) return true;
    const moved = reference > quoted ? reference - quoted : quoted - reference;
    if (moved * BPS_ONE > quoted * REQUOTE_BPS) return true;
    return open.some(({ filledQty, qty }) => filledQty * 2n > qty);
  }

  /** Those in the book and those that a worker has not seen yet. */
  private async openQuotes(): Promise<Map<string, OpenQuote[]>> {
    const rows = await this.db
      .knex('orders')
      .whereRaw('id in ?', openOrderIds(this.db.knex, MAKER_ACCOUNT))
      .select<OpenQuote[]>({
        orderId: 'id',
        assetId: 'asset_id',
        filledQty: 'filled_qty',
        qty: 'qty',
      });
    const byAsset = new Map<string, OpenQuote[]>();
    for (const row of rows) byAsset.set(row.assetId, [...(byAsset.get(row.assetId) ?? []), row]);
    return byAsset;
  }

  private async quote(asset: TradableAsset, reference: bigint): Promise<void> {
    const lot = asset.class === 'crypto' ? 10_000_000n : 1_000_000_000n;
    const quotes = quotesAround(reference, asset.priceIncrement, lot);
    const placed = await Promise.all(quotes.map((quote) => this.place(asset, quote)));
    if (placed.every(Boolean)) this.quotedAt.set(asset.id, reference);
  }

  private async place(asset: TradableAsset, { side, price, qty }: Quote): Promise<boolean> {
    try {
      await this.intake.place({
        accountId: MAKER_ACCOUNT,
        symbol: asset.symbol,
        side,
        type: 'limit',
        timeInForce: 'gtc',
        qty,
        limitPrice: price,
        extendedHours: true,
        clientOrderId: null,
        idempotency: null,
      });
      return true;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      this.log.warn('a quote was refused', { symbol: asset.symbol, side, error: error.message });
      return false;
    }
  }

  private async cancel(orderId: string): Promise<void> {
    try {
      await this.intake.cancel(MAKER_ACCOUNT, orderId);
    } catch (error) {
      if (!(error instanceof DomainError) || error.kind === 'unavailable') throw error;
      // filled meanwhile: nothing to cancel
    }
  }
}
