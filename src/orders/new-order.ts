import type { TradableAsset } from '../assets/catalog.js';
import { marketBound } from '../domain/collar.js';
import { affordableQty, holdFor, holdForNotional } from '../domain/money.js';
import { opposite } from '../domain/order-book.js';
import { tickAt } from '../domain/price-rules.js';
import type { OrderShape, StopLoss, TakeProfit } from '../domain/order-shape.js';
import { trailingStop } from '../domain/triggers.js';
import { newId } from '../ids.js';
import type { Leg, OrderSide, OrderView } from './model.js';

/** What a client asks for. Quantities in 10^-9 units, prices and money in 10^-4 USD. */
export interface PlaceOrder {
  accountId: string;
  /** `AAPL`, `BTC/USD`, `BTCUSD` or an asset id. */
  symbol: string;
  side: OrderSide;
  type: OrderShape['type'];
  timeInForce: OrderShape['timeInForce'];
  /** One of qty and notional. */
  qty: bigint | null;
  notional?: bigint | null;
  limitPrice: bigint | null;
  stopPrice?: bigint | null;
  trailPrice?: bigint | null;
  /** In 10^-4 percent. */
  trailPercent?: number | null;
  extendedHours: boolean;
  orderClass?: OrderShape['orderClass'];
  takeProfit?: TakeProfit | null;
  stopLoss?: StopLoss | null;
  /** Unique in the account; made up when null. */
  clientOrderId: string | null;
  /** A repeated key with the same request hash (SHA-256) gets the first answer again. */
  idempotency: { key: string; requestHash: Buffer } | null;
}

/** What the house adds to every order. */
export interface OrderTermsOfHouse {
  now: Date;
  feeBps: number;
  marketCollarBps: number;
  /** The best resting price on the other side, in 10^-4 USD; null when there is none. */
  bestOpposite: bigint | null;
}

/** With everything that is not asked for as null. */
export const shapeOf = (request: PlaceOrder): OrderShape => ({
  side: request.side,
  type: request.type,
  timeInForce: request.timeInForce,
  orderClass: request.orderClass ?? '',
  qty: request.qty,
  notional: request.notional ?? null,
  limitPrice: request.limitPrice,
  stopPrice: request.stopPrice ?? null,
  trailPrice: request.trailPrice ?? null,
  trailPercent: request.trailPercent ?? null,
  extendedHours: request.extendedHours,
  takeProfit: request.takeProfit ?? null,
  stopLoss: request.stopLoss ?? null,
});

/**
 * The orders that a request stands for: one, or the first of a group with its legs behind it. Each
 * with what it holds from now on; legs that wait for their entry to bring the shares hold nothing.
 */
export function buildOrders(
  command: { id: string; asset: TradableAsset; request: PlaceOrder; clientOrderId: string },
  house: OrderTermsOfHouse,
): OrderView[] {
  const { asset, request, clientOrderId } = command;
  const shape = shapeOf(request);
  const first = baseOrder(command, shape, house);
  if (shape.orderClass === '') return [withHold(first, asset, house)];
  const groupId = command.id;
  const legSide = shape.orderClass === 'oco' ? shape.side : opposite(shape.side);
  const buildLeg = (leg: Leg, prices: Partial<OrderView>): OrderView => {
    const id = newId();
    const blank = { limitPrice: null, stopPrice: null, trailPrice: null, trailPercent: null };
    const own = { id, leg, groupId, side: legSide, status: 'held', ...blank, ...prices } as const;
    return { ...first, ...own, clientOrderId: id };
  };
  const profit = shape.takeProfit?.limitPrice ?? null;
  const legs: OrderView[] = [];
  if (shape.orderClass === 'oco') {
    Object.assign(first, { leg: 'take_profit', groupId, limitPrice: profit });
  } else {
    Object.assign(first, { leg: 'entry', groupId });
    if (profit !== null) legs.push(buildLeg('take_profit', { type: 'limit', limitPrice: profit }));
  }
  if (shape.stopLoss) legs.push(buildLeg('stop_loss', stopLossTerms(shape.stopLoss)));
  first.clientOrderId = clientOrderId;
  return holdTogether([first, ...legs], asset, house);
}

function stopLossTerms(stopLoss: StopLoss): Partial<OrderView> {
  const { stopPrice, limitPrice, trailPrice, trailPercent } = stopLoss;
  if (stopPrice === null) return { type: 'trailing_stop', trailPrice, trailPercent };
  return { type: limitPrice === null ? 'stop' : 'stop_limit', stopPrice, limitPrice };
}

/**
 * What a group holds. Sellers' legs share the shares that the first of them holds, once there are any;
 * buyers' legs hold their cash from the beginning, enough for the dearer of the two.
 */
function holdTogether(
  orders: OrderView[],
  asset: TradableAsset,
  house: OrderTermsOfHouse,
): OrderView[] {
  const bound = orders.map((order) => ({ ...order, boundPrice: boundOf(order, asset, house) }));
  const legs = bound.filter(({ leg }) => leg !== 'entry');
  const [holder] = legs;
  const buys = holder!.side === 'buy';
  const dearest = legs.reduce(
    (most, { boundPrice }) => (boundPrice > most ? boundPrice : most),
    0n,
  );
  return bound.map((order) => {
    if (order.leg === 'entry') return withHold(order, asset, house);
    const boundPrice = buys && order === holder ? dearest : order.boundPrice;
    const hasShares = order.orderClass === 'oco';
    const holds = order === holder && (buys || hasShares);
    return { ...order, boundPrice, hold: holds ? neededHold({ ...order, boundPrice }) : 0n };
  });
}

const withHold = (order: OrderView, asset: TradableAsset, house: OrderTermsOfHouse): OrderView => {
  const boundPrice = boundOf(order, asset, house);
  if (order.notional === null)
    return { ...order, boundPrice, hold: neededHold({ ...order, boundPrice }) };
  const least = asset.minTradeIncrement;
  const affordable = affordableQty(order.notional, boundPrice, least);
  // A seller may need more than that at worse prices, never more than at the bound.
  const qty = order.side === 'sell' ? affordable + least : affordable > 0n ? affordable : least;
  const hold = order.side === 'buy' ? holdForNotional(order.notional, order.feeBps) : qty;
  return { ...order, boundPrice, qty, hold };
};

/** What an order holds for its whole quantity: cash when buying, shares when selling. */
export const neededHold = ({
  side,
  boundPrice,
  qty,
  feeBps,
}: Pick<OrderView, 'side' | 'boundPrice' | 'qty' | 'feeBps'>): bigint =>
  side === 'buy' ? holdFor(boundPrice, qty, feeBps) : qty;

/** The worst price that has to be held for: the limit, or a collar around where it will trade. */
export function boundOf(
  order: Pick<
    OrderView,
    'side' | 'type' | 'limitPrice' | 'stopPrice' | 'trailPrice' | 'trailPercent'
  >,
  asset: TradableAsset,
  { marketCollarBps, bestOpposite }: Pick<OrderTermsOfHouse, 'marketCollarBps' | 'bestOpposite'>,
): bigint {
  const { side, type, limitPrice, stopPrice } = order;
  if (limitPrice !== null) return limitPrice;
  const tick = tickAt(asset.lastPrice, asset);
  if (type === 'market') {
    return marketBound(side, asset.lastPrice, bestOpposite, marketCollarBps, tick);
  }
  const stop = stopPrice ?? trailingStop(side, asset.lastPrice, order);
  // A stop that is reached already trades at the market, which may be beyond it.
  const beyond = side === 'buy' ? asset.lastPrice > stop : asset.lastPrice < stop;
  return marketBound(side, beyond ? asset.lastPrice : stop, null, marketCollarBps, tick);
}

function baseOrder(
  { id, asset, request, clientOrderId }: Parameters<typeof buildOrders>[0],
  shape: OrderShape,
  { now, feeBps }: OrderTermsOfHouse,
): OrderView {
  return {
    id,
    accountId: request.accountId,
    assetId: asset.id,
    shard: asset.shard,
    clientOrderId,
    side: shape.side,
    type: shape.type,
    timeInForce: shape.timeInForce,
    notional: shape.notional,
    limitPrice: shape.limitPrice,
    stopPrice: shape.stopPrice,
    trailPrice: shape.trailPrice,
    trailPercent: shape.trailPercent,
    orderClass: shape.orderClass,
    leg: null,
    groupId: null,
    replaces: null,
    boundPrice: 0n,
    feeBps,
    extendedHours: shape.extendedHours,
    createdAt: now,
    status: 'accepted',
    qty: shape.qty ?? 0n,
    filledQty: 0n,
    filledValue: 0n,
    fees: 0n,
    hold: 0n,
    reason: null,
    version: 1,
    updatedAt: now,
    closedAt: null,
    replacedBy: null,
    triggeredAt: null,
    hwm: null,
    symbol: asset.symbol,
    assetClass: asset.class,
    pending: null,
  };
}
