export { seededRandom } from '../../src/market/random-walk.js';

export interface Symbol {
  symbol: string;
  /** In cents. */
  price: number;
}

/** Half the width of the band in which limits fall, in cents. */
const BAND = 20;
const MARKET_SHARE = 0.1;
const IOC_SHARE = 0.1;

/**
 * One random order as a request body: any symbol, either side, 1 to 20 shares; four of five are day
 * limits in a narrow band around the price, so that about three in four orders trade.
 */
export function randomOrder(symbols: readonly Symbol[], random: () => number): string {
  const { symbol, price } = symbols[Math.floor(random() * symbols.length)]!;
  const kind = random();
  const order: Record<string, string> = {
    symbol,
    qty: String(1 + Math.floor(random() * 20)),
    side: random() < 0.5 ? 'buy' : 'sell',
    type: kind < MARKET_SHARE ? 'market' : 'limit',
    time_in_force: kind >= MARKET_SHARE && kind < MARKET_SHARE + IOC_SHARE ? 'ioc' : 'day',
  };
  if (order['type'] === 'limit') {
    const cents = price + Math.floor((random() * 2 - 1) * BAND);
    order['limit_price'] = (cents / 100).toFixed(2);
  }
  return JSON.stringify(order);
}
