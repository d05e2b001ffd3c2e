import type { TradableAsset } from '../assets/catalog.js';
import { priceBand, tighter } from '../domain/collar.js';
import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { Funds } from '../domain/risk.js';
import { DomainError, forbidden } from '../errors.js';
import type { LimitBook, RiskLimits } from '../risk/limits.js';
import {
  RATE_WINDOW_MS,
  type AccountRow,
  type IntakeState,
  type RecentOrder,
} from './intake-store.js';
import type { OrderView } from './model.js';
import type { BlockReason } from './trading-blocks.js';

const WHOLE_SHARE = 10n ** BigInt(QTY_SCALE);

/** Each refusal has its own code; the wire contract fixes 40310000 for wash trades and balances. */
export const CODES = {
  kill_switch: 40310010,
  client_restricted: 40310011,
  instrument_halted: 40310012,
  suspended_by_user: 40310013,
  fractional_disabled: 40310014,
  open_exposure: 40310015,
  duplicate_order: 40310016,
  price_collar: 42210010,
  message_rate: 42910010,
} as const;

const BLOCK_MESSAGES: Record<BlockReason, string> = {
  kill_switch: 'trading is stopped by the kill switch',
  client_restricted: 'this account may place no new orders at present',
  instrument_halted: 'this instrument is halted',
};

const money = (units: bigint): string => formatDecimal(units, PRICE_SCALE);

/**
 * What is checked before an order can trade, in the manner of SEC rule 15c3-5, beside its own rules
 * (`checkOrder`) and what it needs to hold. By what is true under the account's lock; the same blocks
 * and price band are checked again when it comes to the market.
 */
export class PreTrade {
  private readonly seen: RecentOrder[];

  constructor(
    private readonly limits: Pick<LimitBook, 'for'>,
    private readonly state: IntakeState,
    private readonly funds: Funds,
  ) {
    this.seen = state.recentOrders;
  }

  /** @returns why the order is refused, with the figures, or null */
  check(
    account: AccountRow,
    order: OrderView,
    asset: TradableAsset,
    now: Date,
  ): DomainError | null {
    const limits = this.limits.for(account.id, asset.id);
    return (
      this.checkBlocks(order) ??
      checkChoices(account, order) ??
      checkBand(order, asset, limits) ??
      this.checkExposure(account, order, limits) ??
      this.checkRate(order, limits, now) ??
      this.checkDuplicate(order, limits, now) ??
      this.checkWashTrade(order)
    );
  }

  /** An accepted order counts for those that follow in the batch. */
  remember(order: OrderView): void {
    const { accountId, assetId, side, type, qty, notional, limitPrice, stopPrice, createdAt } =
      order;
    this.seen.push({
      accountId,
      assetId,
      side,
      type,
      qty,
      notional,
      limitPrice,
      stopPrice,
      createdAt,
    });
  }

  private checkBlocks({ accountId, assetId, symbol }: OrderView): DomainError | null {
    const reason = this.state.blocks.of(accountId, assetId);
    if (!reason) return null;
    const message = BLOCK_MESSAGES[reason];
    return new DomainError('forbidden', CODES[reason], message, { reason, symbol });
  }

  private checkExposure(
    { id, cashHeld }: AccountRow,
    order: OrderView,
    { maxOpenExposure }: RiskLimits,
  ): DomainError | null {
    if (maxOpenExposure === null || order.side !== 'buy') return null;
    const open = cashHeld + this.funds.cashReserved(id);
    if (open + order.hold <= maxOpenExposure) return null;
    return refuse('open_exposure', 'open buy orders would come to more than is allowed', {
      open_exposure: money(open),
      order_exposure: money(order.hold),
      max_open_exposure: money(maxOpenExposure),
    });
  }

  private checkRate(
    { accountId }: OrderView,
    { maxOrdersPerSecond: max }: RiskLimits,
    now: Date,
  ): DomainError | null {
    if (max === 0) return null;
    const since = now.getTime() - RATE_WINDOW_MS;
    const count = this.seen.filter(
      (one) => one.accountId === accountId && one.createdAt.getTime() > since,
    ).length;
    if (count < max) return null;
    const details = { reason: 'message_rate', max_orders_per_second: max, retry_after: 1 };
    const message = `more than ${max} orders in a second`;
    return new DomainError('rate_limited', CODES.message_rate, message, details);
  }

  private checkDuplicate(
    order: OrderView,
    { duplicateWindowMs }: RiskLimits,
    now: Date,
  ): DomainError | null {
    if (duplicateWindowMs === 0) return null;
    const since = now.getTime() - duplicateWindowMs;
    const twin = this.seen.find((one) => one.createdAt.getTime() > since && isSame(one, order));
    return twin
      ? refuse('duplicate_order', 'an order like this was accepted a moment ago', {
          accepted_at: twin.createdAt.toISOString(),
          duplicate_window_ms: duplicateWindowMs,
        })
      : null;
  }

  /** An account's orders must not trade with each other; in the book the newer would be cancelled. */
  private checkWashTrade(order: OrderView): DomainError | null {
    if (order.type !== 'market' && order.type !== 'limit') return null;
    const own = this.state.ownOrders.get(order.id);
    const bound = order.limitPrice ?? order.boundPrice;
    if (!own || tighter(order.side, own.price, bound) !== own.price) return null;
    return forbidden('potential wash trade detected. use complex orders', {
      reason: 'wash_trade',
      reject_reason: 'opposite side order exists',
      existing_order_id: own.orderId,
      existing_price: money(own.price),
    });
  }
}

const refuse = (
  reason: keyof typeof CODES,
  message: string,
  details: Record<string, unknown>,
): DomainError => new DomainError('forbidden', CODES[reason], message, { reason, ...details });

/** What the client has chosen for the account. */
function checkChoices(account: AccountRow, order: OrderView): DomainError | null {
  if (account.suspendTrade) {
    return refuse('suspended_by_user', 'new orders are rejected by user request', {});
  }
  const isFraction = order.notional !== null || order.qty % WHOLE_SHARE !== 0n;
  if (account.fractionalTrading || !isFraction || order.assetClass === 'crypto') return null;
  return refuse('fractional_disabled', 'fractional trading is not enabled for this account', {
    qty: order.notional === null ? formatDecimal(order.qty, QTY_SCALE) : null,
  });
}

/** Against mistyped prices: only the side that would hurt. */
function checkBand(
  { side, type, limitPrice }: OrderView,
  { lastPrice, symbol }: TradableAsset,
  { collarBps }: RiskLimits,
): DomainError | null {
  if (limitPrice === null || type !== 'limit') return null;
  const band = priceBand(side, lastPrice, collarBps);
  if (tighter(side, limitPrice, band) === limitPrice) return null;
  const bound = side === 'buy' ? 'max' : 'min';
  const message =
    `limit_price ${money(limitPrice)} is too far from the price of ${symbol} ` +
    `(${money(lastPrice)}): the ${bound} is ${money(band)}`;
  const details = {
    reason: 'price_collar',
    field: 'limit_price',
    value: money(limitPrice),
    reference_price: money(lastPrice),
    collar_bps: collarBps,
    [bound]: money(band),
  };
  return new DomainError('invalid', CODES.price_collar, message, details);
}

const isSame = (a: RecentOrder, b: RecentOrder): boolean =>
  a.accountId === b.accountId &&
  a.assetId === b.assetId &&
  a.side === b.side &&
  a.type === b.type &&
  a.qty === b.qty &&
  a.notional === b.notional &&
  a.limitPrice === b.limitPrice &&
  a.stopPrice === b.stopPrice;
