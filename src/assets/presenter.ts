import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { Asset } from './model.js';

/** Nothing is lent here: all of a position is paid for. */
const MARGIN_PERCENT = 100;

/** An asset in Alpaca's wire format; only crypto tells its increments there. */
export const presentAsset = (asset: Asset): Record<string, unknown> => ({
  id: asset.id,
  class: asset.class,
  exchange: asset.exchange,
  symbol: asset.symbol,
  name: asset.name,
  status: asset.status,
  tradable: asset.tradable,
  marginable: false,
  shortable: false,
  easy_to_borrow: false,
  fractionable: asset.fractionable,
  attributes: [],
  cusip: null,
  ...(asset.class === 'us_equity' && {
    borrow_status: 'hard_to_borrow',
    maintenance_margin_requirement: MARGIN_PERCENT,
    margin_requirement_long: String(MARGIN_PERCENT),
    margin_requirement_short: String(MARGIN_PERCENT),
  }),
  ...(asset.class === 'crypto' && {
    min_order_size: formatDecimal(asset.minOrderSize, QTY_SCALE),
    min_trade_increment: formatDecimal(asset.minTradeIncrement, QTY_SCALE),
    price_increment: formatDecimal(asset.priceIncrement, PRICE_SCALE),
  }),
});
