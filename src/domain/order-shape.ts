import { priceText, type OrderFault } from './price-rules.js';
import type { Side } from './order-book.js';

/** What an order is made of, before any price or balance is looked at. Prices in 10^-4 USD. */
export interface OrderShape {
  readonly side: Side;
  readonly type: 'market' | 'limit' | 'stop' | 'stop_limit' | 'trailing_stop';
  readonly timeInForce: 'day' | 'gtc' | 'ioc' | 'fok' | 'opg' | 'cls';
  readonly orderClass: '' | 'bracket' | 'oco' | 'oto';
  readonly qty: bigint | null;
  readonly notional: bigint | null;
  readonly limitPrice: bigint | null;
  readonly stopPrice: bigint | null;
  readonly trailPrice: bigint | null;
  readonly trailPercent: number | null;
  readonly extendedHours: boolean;
  readonly takeProfit: TakeProfit | null;
  readonly stopLoss: StopLoss | null;
}

export interface TakeProfit {
  readonly limitPrice: bigint;
}

/** A stop, a stop limit or, with one of the trails instead of a price, a trailing stop. */
export interface StopLoss {
  readonly stopPrice: bigint | null;
  readonly limitPrice: bigint | null;
  readonly trailPrice: bigint | null;
  readonly trailPercent: number | null;
}

const fault = (
  field: string,
  message: string,
  details: Record<string, unknown> = {},
): OrderFault => ({
  message: `${field} ${message}`,
  details: { field, ...details },
});

/** Which of the price fields a type takes; each is required where it is taken. */
const PRICES: Record<OrderShape['type'], readonly string[]> = {
  market: [],
  limit: ['limit_price'],
  stop: ['stop_price'],
  stop_limit: ['limit_price', 'stop_price'],
  trailing_stop: [],
};

/**
 * Checks that the parts of an order go together: prices with its type, quantity or notional, legs with
 * its class, time in force with all of it.
 * @param assetClass what is traded; crypto has no opening and no close
 * @returns the first rule that it breaks, or null. The rules are Alpaca's, see its "Placing orders".
 */
export function checkShape(
  order: OrderShape,
  assetClass: 'us_equity' | 'crypto',
): OrderFault | null {
  return (
    checkPrices(order) ??
    checkTrail(order) ??
    checkAmount(order) ??
    checkTimeInForce(order, assetClass) ??
    checkClass(order)
  );
}

function checkPrices({ type, orderClass, takeProfit, ...order }: OrderShape): OrderFault | null {
  const given = { limit_price: order.limitPrice, stop_price: order.stopPrice };
  for (const [field, value] of Object.entries(given)) {
    const isTaken = PRICES[type].includes(field);
    const mayComeWithLeg = orderClass === 'oco' && field === 'limit_price' && takeProfit !== null;
    if (!isTaken && value !== null) {
      return fault(field, `is not allowed for a ${type} order`, { value: priceText(value) });
    }
    if (isTaken && value === null && !mayComeWithLeg) {
      return fault(field, `is required for a ${type} order`, { value: null });
    }
  }
  return null;
}

function checkTrail({ type, trailPrice, trailPercent }: OrderShape): OrderFault | null {
  const given = [trailPrice, trailPercent].filter((one) => one !== null).length;
  if (type !== 'trailing_stop') {
    const field = trailPrice !== null ? 'trail_price' : 'trail_percent';
    return given === 0 ? null : fault(field, `is not allowed for a ${type} order`);
  }
  if (given === 1) return null;
  return fault(
    'trail_price',
    'or trail_percent, one of the two, is required for a trailing_stop order',
  );
}

function checkAmount({ qty, notional, type, orderClass, ...order }: OrderShape): OrderFault | null {
  if ((qty === null) === (notional === null)) {
    return fault('qty', 'or notional, one of the two, is required');
  }
  if (notional === null) return null;
  if (type !== 'market' && type !== 'limit') {
    return fault('notional', 'is for market and limit orders', {
      type,
      allowed: ['market', 'limit'],
    });
  }
  if (orderClass !== '') return fault('notional', `is not allowed with order_class ${orderClass}`);
  if (order.timeInForce === 'fok')
    return fault('notional', 'is not allowed with time_in_force fok');
  return null;
}

function checkTimeInForce(
  { type, timeInForce, extendedHours }: OrderShape,
  assetClass: 'us_equity' | 'crypto',
): OrderFault | null {
  const isAuction = timeInForce === 'opg' || timeInForce === 'cls';
  if (isAuction && assetClass === 'crypto') {
    const allowed = ['day', 'gtc', 'ioc', 'fok'];
    return fault('time_in_force', `${timeInForce} is not allowed for crypto`, { allowed });
  }
  if (isAuction && type !== 'market' && type !== 'limit') {
    return fault('time_in_force', `${timeInForce} is for market and limit orders`, { type });
  }
  const isStop = type !== 'market' && type !== 'limit';
  if (isStop && timeInForce !== 'day' && timeInForce !== 'gtc') {
    const allowed = ['day', 'gtc'];
    return fault('time_in_force', `${timeInForce} is not allowed for a ${type} order`, { allowed });
  }
  const mayExtend = type === 'limit' && (timeInForce === 'day' || timeInForce === 'gtc');
  if (extendedHours && !mayExtend) {
    return fault('extended_hours', 'is for limit orders with time_in_force day or gtc');
  }
  return null;
}

function checkClass(order: OrderShape): OrderFault | null {
  const { orderClass, takeProfit, stopLoss, timeInForce } = order;
  if (orderClass === '') {
    const given = takeProfit ? 'take_profit' : stopLoss ? 'stop_loss' : null;
    return given && fault(given, 'needs order_class bracket, oco or oto');
  }
  if (timeInForce !== 'day' && timeInForce !== 'gtc') {
    const allowed = ['day', 'gtc'];
    return fault('time_in_force', `${timeInForce} is not allowed with order_class`, { allowed });
  }
  return (
    checkLegsGiven(order) ??
    (orderClass === 'oco' ? checkOco(order) : checkEntry(order)) ??
    (stopLoss && checkStopLoss(stopLoss))
  );
}

function checkLegsGiven({ orderClass, takeProfit, stopLoss }: OrderShape): OrderFault | null {
  if (orderClass === 'oto') {
    if ((takeProfit === null) !== (stopLoss === null)) return null;
    return fault('take_profit', 'or stop_loss, one of the two, is required for order_class oto');
  }
  const missing = takeProfit ? (stopLoss ? null : 'stop_loss') : 'take_profit';
  return missing && fault(missing, `is required for order_class ${orderClass}`);
}

function checkEntry({ type, orderClass }: OrderShape): OrderFault | null {
  if (type !== 'trailing_stop') return null;
  return fault('type', `trailing_stop cannot be the entry of a ${orderClass}`);
}

function checkOco({ type, limitPrice, takeProfit }: OrderShape): OrderFault | null {
  if (type !== 'limit') return fault('type', 'must be limit for order_class oco');
  if (limitPrice === null || limitPrice === takeProfit!.limitPrice) return null;
  return fault('limit_price', 'must be unset or equal to take_profit.limit_price for an oco', {
    value: priceText(limitPrice),
  });
}

function checkStopLoss(stopLoss: StopLoss): OrderFault | null {
  const { stopPrice, limitPrice, trailPrice, trailPercent } = stopLoss;
  const given = [stopPrice, trailPrice, trailPercent].filter((one) => one !== null).length;
  if (given !== 1) {
    return fault(
      'stop_loss.stop_price',
      'or trail_price or trail_percent, one of them, is required',
    );
  }
  if (limitPrice !== null && stopPrice === null) {
    return fault('stop_loss.limit_price', 'is not allowed with a trail');
  }
  return null;
}
