import type { TradableAsset } from '../assets/catalog.js';
import type { Database } from '../db.js';
import type { MarketHours } from '../domain/clock.js';
import { PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { PriceBand } from '../domain/price-bands.js';
import { tickAt } from '../domain/price-rules.js';
import { TradingHours } from '../domain/sessions.js';
import { DomainError } from '../errors.js';
import { MAKER_ACCOUNT } from '../ledger/house.js';
import type { Logger } from '../log.js';
import type { Intake } from '../orders/intake.js';
import type { LimitBook } from '../risk/limits.js';
import { readBands } from './band-store.js';
import { readHoldings, readQuotingBlocks, type Holding, type QuotingBlocks } from './maker-desk.js';
import type { Reference } from './price-source.js';
import { changesTo, insideBand, ladder, skewedCentre, type Changes, type Quote } from './quotes.js';

export interface MarketMakerDeps {
  readonly db: Database;
  readonly intake: Intake;
  readonly limits: Pick<LimitBook, 'for'>;
  readonly log: Logger;
  readonly marketHours: MarketHours;
  /** How far it may move away from what it wants to hold of an asset, in dollars. */
  readonly inventoryMax: number;
}

interface Plan {
  readonly asset: TradableAsset;
  readonly changes: Changes;
}

const MONEY_ONE = 10n ** BigInt(PRICE_SCALE);
const QTY_ONE = 10n ** BigInt(QTY_SCALE);
const SHARE_LOT = QTY_ONE;
const COIN_LOT = QTY_ONE / 100n;
/** The same refusal of the same asset is told once in this time. */
const REFUSAL_LOGGED_EVERY_MS = 60_000;
const REFUSALS_KEPT = 1_000;
const NOTHING: Changes = { withdraw: [], place: [] };
/** What a block that comes between our look and the order refuses with: the next look sees it. */
const BLOCKS: ReadonlySet<unknown> = new Set([
  'kill_switch',
  'client_restricted',
  'instrument_halted',
]);

/**
 * The house market maker: keeps quotes around the reference prices, through the same intake, holds,
 * controls and matching as every client, within a limit on its inventory. It remembers nothing: each
 * refresh compares what is in the book with what should be.
 */
export class MarketMaker {
  private pausedBy: QuotingBlocks['house'] = null;
  private readonly refusalsLogged = new Map<string, number>();

  constructor(private readonly deps: MarketMakerDeps) {}

  /** Brings the quotes of all assets in line with their reference prices, by asset id. */
  async refresh(
    assets: readonly TradableAsset[],
    references: ReadonlyMap<string, Reference>,
    now: Date,
  ): Promise<void> {
    const { knex } = this.deps.db;
    const blocks = await readQuotingBlocks(knex);
    this.notePause(blocks.house);
    if (blocks.house === 'kill') return; // who turns it on withdraws what is open
    const [holdings, bands] = await Promise.all([readHoldings(knex), readBands(knex)]);
    const hours = new TradingHours(this.deps.marketHours, now);
    const plans = assets.flatMap((asset): Plan[] => {
      const [holding, reference] = [holdings.get(asset.id), references.get(asset.id)];
      if (!holding || !reference) return []; // came a moment ago: the next time
      const isStopped =
        blocks.house !== null ||
        blocks.halted.has(asset.id) ||
        asset.status !== 'active' ||
        !asset.tradable;
      // What rests when a session ends is what orders for the next open meet first.
      if (!isStopped && !hours.of(asset.class).isOpen) return [];
      const band = bands.get(asset.id);
      const changes = isStopped ? withdrawn(holding) : this.plan(asset, reference, holding, band);
      return [{ asset, changes }];
    });
    // Withdrawals first, and durable: a new quote must never meet an old one of our own.
    await Promise.all(
      plans.flatMap(({ changes }) => changes.withdraw.map(({ orderId }) => this.withdraw(orderId))),
    );
    await Promise.all(
      plans.flatMap(({ asset, changes }) => changes.place.map((quote) => this.place(asset, quote))),
    );
  }

  private plan(
    asset: TradableAsset,
    reference: Reference,
    holding: Holding,
    band: PriceBand | undefined,
  ): Changes {
    const { open, qty, held, target } = holding;
    // While the worker is behind, more would only wait with the rest.
    if (open.some(({ isWaiting }) => isWaiting)) return NOTHING;
    const { price, size } = reference;
    const limit = (BigInt(this.deps.inventoryMax) * MONEY_ONE * QTY_ONE) / price;
    const inventory = qty - target;
    const openSells = open.reduce((sum, one) => (one.side === 'sell' ? sum + one.qty : sum), 0n);
    const room = {
      buy: atLeastZero(limit - inventory),
      sell: least(atLeastZero(limit + inventory), qty - held + openSells),
    };
    const { maxQty, maxNotional } = this.deps.limits.for(MAKER_ACCOUNT, asset.id);
    const rules = {
      tick: tickAt(price, asset),
      lot: asset.class === 'crypto' ? COIN_LOT : SHARE_LOT,
      maxQty: least(maxQty, (maxNotional * QTY_ONE) / (price * 2n)), // asks are above the price
      // Half, so that new quotes fit while those that they replace may still trade.
      room: { buy: room.buy / 2n, sell: room.sell / 2n },
      topQty: size,
    };
    const levels = ladder(skewedCentre(price, inventory, limit), rules);
    return changesTo(band ? insideBand(levels, band) : levels, open, room);
  }

  private async place(asset: TradableAsset, { side, price, qty }: Quote): Promise<void> {
    try {
      await this.deps.intake.place({
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
    } catch (error) {
      if (!(error instanceof DomainError) || error.kind === 'unavailable') throw error;
      if (!BLOCKS.has(error.details['reason'])) this.noteRefusal(asset, side, error);
    }
  }

  private async withdraw(orderId: string): Promise<void> {
    try {
      await this.deps.intake.cancel(MAKER_ACCOUNT, orderId);
    } catch (error) {
      if (!(error instanceof DomainError) || error.kind === 'unavailable') throw error;
      // filled meanwhile: nothing to cancel
    }
  }

  private notePause(house: QuotingBlocks['house']): void {
    if (house === this.pausedBy) return;
    this.pausedBy = house;
    const { log } = this.deps;
    if (house === null) log.info('the market maker quotes again');
    else log.warn('the market maker quotes nothing', { block: house });
  }

  private noteRefusal({ symbol }: TradableAsset, side: Quote['side'], error: DomainError): void {
    const [key, now] = [`${symbol} ${side} ${error.code}`, Date.now()];
    if (now - (this.refusalsLogged.get(key) ?? -Infinity) < REFUSAL_LOGGED_EVERY_MS) return;
    if (this.refusalsLogged.size >= REFUSALS_KEPT) this.refusalsLogged.clear();
    this.refusalsLogged.set(key, now);
    this.deps.log.warn('a quote was refused', { symbol, side, error: error.message });
  }
}

/** Of an asset that may not be quoted. */
const withdrawn = ({ open }: Holding): Changes => ({
  ...NOTHING,
  withdraw: open.filter(({ isWaiting }) => !isWaiting),
});

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const atLeastZero = (value: bigint): bigint => (value > 0n ? value : 0n);
