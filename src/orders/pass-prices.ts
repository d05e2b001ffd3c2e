import { marketBound, priceBand, tighter } from '../domain/collar.js';
import type { Budget } from '../domain/match.js';
import { tickAt } from '../domain/price-rules.js';
import type { SessionTimes, TradingHours } from '../domain/sessions.js';
import type { SettlementRecord } from './settlement-record.js';
import type { TradingBlocks } from './trading-blocks.js';
import type { PassAsset, PassReads } from './waiting-work.js';
import { isUntriggered, type WorkingOrder } from './working-order.js';

/** What a pass goes by, beside the orders themselves. */
export interface PassRules {
  now: Date;
  hours: TradingHours;
  blocks: TradingBlocks;
  marketCollarBps: number;
  /** So long an order may stay at the external venue, at most. */
  venueGoodForMs: number;
  /** The width of the price band, in 1/100 of a percent. */
  collarBps: (accountId: string, assetId: string) => number;
}

/** What a pass knows of its assets: where they trade, when, and how far from it an order may go. */
export class PassPrices {
  private assets = new Map<string, PassAsset>();

  constructor(
    private readonly rules: PassRules,
    private readonly record: SettlementRecord,
  ) {}

  async read(reads: PassReads, ids: readonly string[]): Promise<void> {
    this.assets = await reads.assets(ids);
  }

  asset(id: string): PassAsset {
    const asset = this.assets.get(id);
    if (!asset) throw new Error(`asset ${id} has no price`);
    return asset;
  }

  /** The last trade, or what the asset is worth before the first one, in 10^-4 USD. */
  priceOf(assetId: string): bigint {
    return this.record.lastPrices.get(assetId) ?? this.asset(assetId).price;
  }

  times({ assetId }: WorkingOrder): SessionTimes {
    return this.rules.hours.of(this.asset(assetId).class);
  }

  /** Why the order may not trade now: the rules of intake, by what is true now. */
  refusal(order: WorkingOrder): string | null {
    const blocked = this.rules.blocks.of(order.accountId, order.assetId);
    if (blocked) return blocked;
    if (!this.asset(order.assetId).isTradable) return 'instrument_halted';
    if (order.limitPrice === null || isUntriggered(order)) return null;
    const bound = tighter(order.side, order.limitPrice, this.band(order));
    return bound === order.limitPrice ? null : 'price_collar';
  }

  private band({ side, accountId, assetId }: WorkingOrder): bigint {
    return priceBand(side, this.priceOf(assetId), this.rules.collarBps(accountId, assetId));
  }

  /** The worst price that an order which just arrives may trade at. */
  boundOf(order: WorkingOrder): bigint {
    return order.limitPrice ?? tighter(order.side, order.boundPrice, this.band(order));
  }

  /** What an order by notional may spend or has to raise; null for one by quantity. */
  budget({ assetId, notional }: WorkingOrder): Budget | null {
    if (notional === null) return null;
    return { amount: notional, qtyIncrement: this.asset(assetId).minTradeIncrement };
  }

  /** A collar around the price that triggered it; a buyer's never above what is held. */
  stopBound({ side, assetId, boundPrice }: WorkingOrder, price: bigint): bigint {
    const tick = tickAt(price, this.asset(assetId));
    const bound = marketBound(side, price, null, this.rules.marketCollarBps, tick);
    return side === 'buy' ? tighter(side, bound, boundPrice) : bound;
  }
}
