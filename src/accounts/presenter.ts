import {
  averagePrice,
  formatDecimal,
  PRICE_SCALE,
  QTY_SCALE,
  tradeValue,
} from '../domain/money.js';
import { intradayBasis } from '../domain/intraday.js';
import { dateText } from '../http/calendar-date.js';
import type { ClientStatus } from '../identity/model.js';
import type { ValuedAccount } from './model.js';
import type { PositionView } from './position-model.js';

const RATIO_SCALE = 6;
const RATIO_ONE = 10n ** BigInt(RATIO_SCALE);

const STATUS_ON_WIRE: Record<ClientStatus, string> = {
  pending: 'SUBMITTED',
  active: 'ACTIVE',
  suspended: 'ACTIVE', // and account_blocked
  rejected: 'REJECTED',
  closed: 'ACCOUNT_CLOSED',
};

const money = (units: bigint): string => formatDecimal(units, PRICE_SCALE);
const quantity = (units: bigint): string => formatDecimal(units, QTY_SCALE);

/** `part / whole` with six places, rounded towards zero; 0 of nothing is 0. */
const ratio = (part: bigint, whole: bigint): string =>
  whole === 0n ? '0' : formatDecimal((part * RATIO_ONE) / whole, RATIO_SCALE);

/**
 * An account in Alpaca's wire format. It is a cash account: nothing is lent, nothing sold short.
 * `last_equity` is what was recorded at the previous close; without a record, what today's cash and
 * positions would have been worth then.
 * @param closingDay the date of the previous close
 */
export function presentAccount(account: ValuedAccount, closingDay: Date): Record<string, unknown> {
  const status = STATUS_ON_WIRE[account.clientStatus ?? 'active'];
  const blocked = account.clientStatus !== null && account.clientStatus !== 'active';
  const marketValue = account.longValue + account.shortValue;
  const equity = money(account.cash + marketValue);
  const buyingPower = money(account.cash - account.cashHeld);
  return {
    id: account.id,
    account_number: account.accountNumber,
    status,
    crypto_status: status,
    currency: 'USD',
    cash: money(account.cash),
    portfolio_value: equity,
    equity,
    last_equity: money(account.closingEquity ?? account.cash + account.lastdayValue),
    balance_asof: dateText(closingDay),
    position_market_value: money(marketValue),
    buying_power: buyingPower,
    regt_buying_power: buyingPower,
    daytrading_buying_power: '0', // of a margin account only
    non_marginable_buying_power: buyingPower,
    options_buying_power: '0', // there are no options
    options_approved_level: 0,
    options_trading_level: 0,
    initial_margin: '0',
    maintenance_margin: '0',
    last_maintenance_margin: '0',
    long_market_value: money(account.longValue),
    short_market_value: money(account.shortValue),
    sma: '0',
    multiplier: '1',
    accrued_fees: '0', // fees are booked with their trade
    pending_reg_taf_fees: '0',
    intraday_adjustments: money(account.cashflow),
    pending_transfer_in: money(account.pendingIn),
    pending_transfer_out: money(account.pendingOut),
    daytrade_count: 0,
    pattern_day_trader: false,
    trading_blocked: blocked,
    transfers_blocked: blocked || account.restricted,
    account_blocked: blocked,
    trade_suspended_by_user: account.suspendTrade ?? false,
    shorting_enabled: false,
    created_at: account.createdAt.toISOString(),
  };
}

/**
 * A position in Alpaca's wire format. The intraday figures are measured from the previous close for
 * what was there then, and from its cost for what was bought since.
 */
export function presentPosition(position: PositionView): Record<string, unknown> {
  const { qty, costBasis, price, previousClose, boughtToday, costToday, soldToday } = position;
  const marketValue = tradeValue(price, qty);
  const day = { qty, bought: boughtToday, cost: costToday, sold: soldToday, previousClose };
  const basisToday = intradayBasis(day);
  const gain = marketValue - costBasis;
  const gainToday = marketValue - basisToday;
  return {
    asset_id: position.assetId,
    symbol: position.symbol,
    exchange: position.exchange,
    asset_class: position.assetClass,
    asset_marginable: false,
    qty: quantity(qty),
    qty_available: quantity(qty - position.held),
    avg_entry_price: averagePrice(costBasis, qty),
    side: qty > 0n ? 'long' : 'short',
    market_value: money(marketValue),
    cost_basis: money(costBasis),
    unrealized_pl: money(gain),
    unrealized_plpc: ratio(gain, costBasis),
    unrealized_intraday_pl: money(gainToday),
    unrealized_intraday_plpc: ratio(gainToday, basisToday),
    current_price: money(price),
    lastday_price: money(previousClose),
    change_today: ratio(price - previousClose, previousClose),
  };
}
