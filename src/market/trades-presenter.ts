import type { Asset } from '../assets/model.js';
import { priceNumber, qtyNumber } from './bars-presenter.js';
import type { MarketTrade } from './trades-model.js';

/** By the exchange of an asset: its letter and its tape, as the consolidated tapes have them. */
const LISTED: Readonly<Record<string, { x: string; z: string }>> = {
  NASDAQ: { x: 'Q', z: 'C' },
  NYSE: { x: 'N', z: 'A' },
  ARCA: { x: 'P', z: 'B' },
};
const ELSEWHERE = { x: 'V', z: 'B' };
/** The letter and the tape of the exchange that lists a stock. */
export const venueOf = (exchange: string): { x: string; z: string } =>
  LISTED[exchange] ?? ELSEWHERE;

/** A regular sale. */
const REGULAR = ['@'];

const presentSale = ({ executedAt, price, qty, seq }: MarketTrade) => ({
  t: executedAt.toISOString(),
  p: priceNumber(price),
  s: qtyNumber(qty),
  i: Number(seq),
});

/** A trade in a stock in Alpaca's wire format, as if it were on the exchange that lists it. */
export const presentStockTrade = (trade: MarketTrade, { exchange }: Pick<Asset, 'exchange'>) => ({
  ...presentSale(trade),
  ...venueOf(exchange),
  c: REGULAR,
});

/** A trade in crypto in Alpaca's wire format; `tks` is the side of the taker. */
export const presentCryptoTrade = (trade: MarketTrade) => ({
  ...presentSale(trade),
  tks: trade.takerSide === 'buy' ? 'B' : 'S',
});
