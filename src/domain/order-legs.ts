import { opposite } from './order-book.js';
import {
  checkTick,
  checkTrail,
  priceText,
  type AssetRules,
  type OrderFault,
} from './price-rules.js';
import type { OrderShape } from './order-shape.js';
import { trailingStop } from './triggers.js';

export const profitOf = ({ takeProfit }: OrderShape): bigint | null =>
  takeProfit?.limitPrice ?? null;

/**
 * The legs' prices: on the tick, and on the right sides of each other and of the entry. A sell leg
 * takes its profit above and its loss below.
 * @returns the first rule that they break, or null
 */
export function checkLegs(order: OrderShape, asset: AssetRules): OrderFault | null {
  const { stopLoss } = order;
  const fault = checkTick('take_profit.limit_price', profitOf(order), asset);
  if (fault) return fault;
  if (stopLoss) {
    const { stopPrice, limitPrice } = stopLoss;
    const loss =
      checkTick('stop_loss.stop_price', stopPrice, asset) ??
      checkTick('stop_loss.limit_price', limitPrice, asset) ??
      checkTrail('stop_loss.', stopLoss, asset);
    if (loss) return loss;
  }
  return order.orderClass === '' ? null : checkSides(order, asset);
}

function checkSides(order: OrderShape, asset: AssetRules): OrderFault | null {
  const side = legSide(order);
  const profit = {
    field: 'take_profit.limit_price',
    what: 'the take profit',
    price: profitOf(order),
  };
  const loss = {
    field: 'stop_loss.stop_price',
    what: 'the stop loss',
    price: lossPrice(order, asset),
  };
  const entry = { field: 'limit_price', what: 'the entry', price: entryPrice(order, asset) };
  const [above, below] = side === 'sell' ? [profit, loss] : [loss, profit];
  for (const [upper, lower] of [
    [above, below],
    [above, entry],
    [entry, below],
  ] as const) {
    if (upper.price === null || lower.price === null || upper.price > lower.price) continue;
    if (upper === entry)
      return wrongSide(lower.field, lower.price, 'below', upper.what, upper.price);
    return wrongSide(upper.field, upper.price, 'above', lower.what, lower.price);
  }
  return null;
}

const legSide = ({ side, orderClass }: OrderShape) =>
  orderClass === 'oco' ? side : opposite(side);

/** An oco has no entry: the position is there. */
function entryPrice(order: OrderShape, asset: AssetRules): bigint | null {
  if (order.orderClass === 'oco') return null;
  return order.limitPrice ?? order.stopPrice ?? asset.lastPrice;
}

/** Where the loss would be taken if it were armed now. */
function lossPrice(order: OrderShape, asset: AssetRules): bigint | null {
  const { stopLoss } = order;
  if (!stopLoss) return null;
  return stopLoss.stopPrice ?? trailingStop(legSide(order), asset.lastPrice, stopLoss);
}

const wrongSide = (
  field: string,
  price: bigint,
  where: 'above' | 'below',
  what: string,
  other: bigint,
): OrderFault => ({
  message: `${field} ${priceText(price)} must be ${where} ${what} (${priceText(other)})`,
  details: { field, value: priceText(price), [where]: priceText(other) },
});
