import { affordable, least, restOf, valueOf, type ModelOrder } from './model-order.js';

interface Plan {
  fills: { maker: ModelOrder; qty: bigint }[];
  /** What is left to trade, once the fills are done. */
  left: bigint;
  /** Null: it may rest. */
  reason: string | null;
}

/** What an order trades with the other side's book, best first, down to its worst price. */
export function planMatch(order: ModelOrder, bound: bigint, book: readonly ModelOrder[]): Plan {
  const reachable = book.filter(({ limit }) =>
    order.side === 'buy' ? limit! <= bound : limit! >= bound,
  );
  const own = reachable.findIndex(({ account }) => account === order.account);
  const makers = own < 0 ? reachable : reachable.slice(0, own);
  const supply = makers.reduce((sum, maker) => sum + restOf(maker), 0n);
  if (order.timeInForce === 'fok' && supply < restOf(order)) {
    return { fills: [], left: restOf(order), reason: 'fok_not_filled' };
  }
  const fills: Plan['fills'] = [];
  let money = order.notional;
  let left = money !== null && order.side === 'buy' ? supply + 2n ** 62n : restOf(order);
  const wanted = (price: bigint): bigint => {
    if (money === null) return left;
    const qty = affordable(money, price);
    return valueOf(price, qty) === 0n ? 0n : least(qty, left);
  };
  for (const maker of makers) {
    const qty = least(wanted(maker.limit!), restOf(maker));
    if (qty === 0n) break;
    left -= qty;
    if (money !== null) money -= valueOf(maker.limit!, qty);
    fills.push({ maker, qty });
    if (qty < restOf(maker)) break; // what is left buys nothing here: a worse price is not for it
  }
  const isAtEnd = fills.reduce((sum, { qty }) => sum + qty, 0n) === supply;
  left = isAtEnd ? wanted(bound) : 0n; // with makers left it wants nothing more at their price
  if (left === 0n) return { fills, left, reason: fills.length > 0 ? null : 'notional_too_small' };
  return { fills, left, reason: own >= 0 ? 'self_trade' : restReason(order) };
}

/** Why an order that nobody trades with any more ends; null when it rests. */
function restReason({ limit, timeInForce }: ModelOrder): string | null {
  if (limit === null) return 'no_liquidity';
  return timeInForce === 'ioc' || timeInForce === 'fok' ? 'ioc_rest' : null;
}
