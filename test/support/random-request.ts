import type { PlaceOrder } from '../../src/orders/new-order.js';

/** What a random order is made from: a whole number from 0 to below. */
export type Random = (below: number) => number;

const TYPES = ['market', 'limit', 'limit', 'limit', 'stop', 'stop_limit', 'trailing_stop'] as const;
const CLASSES = ['', '', '', '', '', 'bracket', 'oco', 'oto'] as const;
const TIMES_IN_FORCE = ['day', 'day', 'gtc', 'gtc', 'ioc', 'fok', 'opg', 'cls'] as const;
const CENT = 100n;
const QTY_MAX = 3_000_000_000;
/** How far prices are from the last one, in 1/100 of a percent. */
const SPREAD_BPS = 120;

/** What is traded, and at which price now (10^-4 USD). */
export interface RandomAsset {
  symbol: string;
  lastPrice: bigint;
  /** Of one unit of it one trades so many times less. */
  divisor: number;
}

/**
 * A request of any type, class and time in force, whole, fractional or by notional. Most are accepted;
 * some break a rule of their class or need more than there is.
 */
export function randomRequest(random: Random, accountId: string, asset: RandomAsset): PlaceOrder {
  const side = random(2) === 0 ? 'buy' : 'sell';
  const orderClass = CLASSES[random(CLASSES.length)]!;
  const type = orderClass === 'oco' ? 'limit' : TYPES[random(TYPES.length)]!;
  const isPlain = orderClass === '' && (type === 'market' || type === 'limit');
  const timeInForce = TIMES_IN_FORCE[random(isPlain ? TIMES_IN_FORCE.length : 4)]!;
  const isNotional = isPlain && timeInForce !== 'fok' && random(4) === 0;
  const prices = randomPrices(random, { side, type, asset });
  const entry = prices.limitPrice ?? prices.stopPrice ?? asset.lastPrice;
  return {
    accountId,
    symbol: asset.symbol,
    side,
    type,
    timeInForce,
    qty: isNotional ? null : randomQty(random, asset),
    notional: isNotional ? BigInt(10_000 + random(5_000_000)) : null,
    ...prices,
    ...(orderClass === 'oco' && { limitPrice: null }),
    orderClass,
    ...randomLegs(random, { side, orderClass, entry }),
    extendedHours: false,
    clientOrderId: null,
    idempotency: null,
  };
}

function randomPrices(
  random: Random,
  { side, type, asset }: Pick<PlaceOrder, 'side' | 'type'> & { asset: RandomAsset },
): Pick<PlaceOrder, 'stopPrice' | 'trailPrice' | 'trailPercent'> & { limitPrice: bigint | null } {
  const near = priceNear(random, asset);
  const prices = { limitPrice: null, stopPrice: null, trailPrice: null, trailPercent: null };
  const stopPrice = near(side === 'buy' ? 40 : -40);
  switch (type) {
    case 'market':
      return prices;
    case 'limit':
      return { ...prices, limitPrice: near(0) };
    case 'stop':
      return { ...prices, stopPrice };
    case 'stop_limit':
      return { ...prices, stopPrice, limitPrice: near(0) };
    case 'trailing_stop':
      if (random(2) === 0) return { ...prices, trailPercent: 500 + random(6_000) };
      return { ...prices, trailPrice: (asset.lastPrice * BigInt(5 + random(60))) / 10_000n };
  }
}

/** A whole number of units, or any fraction of one. */
const randomQty = (random: Random, { divisor }: RandomAsset): bigint =>
  random(2) === 0
    ? (BigInt(1 + random(3)) * 1_000_000_000n) / BigInt(divisor)
    : BigInt(1_000_000 + random(QTY_MAX)) / BigInt(divisor);

/** Prices on the tick, so many 1/100 of a percent from the last one, more or less. */
const priceNear =
  (random: Random, { lastPrice }: RandomAsset) =>
  (shiftBps: number): bigint => {
    const bps = 10_000 + shiftBps + random(2 * SPREAD_BPS) - SPREAD_BPS;
    return ((lastPrice * BigInt(bps)) / 10_000n / CENT) * CENT;
  };

interface GroupTerms {
  side: 'buy' | 'sell';
  orderClass: '' | 'bracket' | 'oco' | 'oto';
  entry: bigint;
}

function randomLegs(
  random: Random,
  { side, orderClass, entry }: GroupTerms,
): Pick<PlaceOrder, 'takeProfit' | 'stopLoss'> {
  if (orderClass === '') return {};
  const up = (side === 'buy') === (orderClass !== 'oco'); // where the profit is taken
  const away = (isUp: boolean): bigint => {
    const distance = BigInt(20 + random(120));
    return ((entry * (isUp ? 10_000n + distance : 10_000n - distance)) / 10_000n / CENT) * CENT;
  };
  const which = orderClass === 'oto' ? random(2) : 2;
  const stopPrice = away(!up);
  const kind = random(3);
  const slip = up ? -20n * CENT : 20n * CENT;
  const stopLoss = {
    stopPrice: kind === 2 ? null : stopPrice,
    limitPrice: kind === 1 ? stopPrice + slip : null,
    trailPrice: kind === 2 ? (entry * 60n) / 10_000n : null,
    trailPercent: null,
  };
  return {
    takeProfit: which === 1 ? null : { limitPrice: away(up) },
    stopLoss: which === 0 ? null : stopLoss,
  };
}
