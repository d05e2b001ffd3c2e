import Joi from 'joi';

/** What an order may be, unless the limits of an account or asset say otherwise; and what it costs. */
export interface OrderConfig {
  readonly feeBps: number;
  readonly marketCollarBps: number;
  readonly maxOrderQty: string;
  readonly maxOrderNotional: string;
  readonly priceCollarBps: number;
  /** Dollars; empty for no limit. */
  readonly maxOpenExposure: string;
  readonly duplicateWindowMs: number;
  readonly maxOrdersPerSecond: number;
}

/** After validation: defaults filled in, numbers read. */
export interface OrderSettings {
  FEE_BPS: number;
  MARKET_COLLAR_BPS: number;
  MAX_ORDER_QTY: string;
  MAX_ORDER_NOTIONAL: string;
  PRICE_COLLAR_BPS: number;
  MAX_OPEN_EXPOSURE: string;
  DUPLICATE_WINDOW_MS: number;
  MAX_ORDERS_PER_SECOND: number;
}

export const orderSettings: Joi.StrictSchemaMap<OrderSettings> = {
  FEE_BPS: Joi.number().integer().min(0).max(1_000).default(0),
  MARKET_COLLAR_BPS: Joi.number().integer().min(1).max(5_000).default(500),
  MAX_ORDER_QTY: Joi.string()
    .pattern(/^\d{1,9}$/)
    .default('1000000'),
  MAX_ORDER_NOTIONAL: Joi.string()
    .pattern(/^\d{1,12}$/)
    .default('100000000'),
  PRICE_COLLAR_BPS: Joi.number().integer().min(1).max(100_000).default(5_000),
  MAX_OPEN_EXPOSURE: Joi.string()
    .pattern(/^[1-9]\d{0,13}$/)
    .default(''),
  DUPLICATE_WINDOW_MS: Joi.number().integer().min(0).max(60_000).default(0),
  MAX_ORDERS_PER_SECOND: Joi.number().integer().min(0).max(100_000).default(0),
};

export const orderConfigOf = (value: OrderSettings): OrderConfig => ({
  feeBps: value.FEE_BPS,
  marketCollarBps: value.MARKET_COLLAR_BPS,
  maxOrderQty: value.MAX_ORDER_QTY,
  maxOrderNotional: value.MAX_ORDER_NOTIONAL,
  priceCollarBps: value.PRICE_COLLAR_BPS,
  maxOpenExposure: value.MAX_OPEN_EXPOSURE,
  duplicateWindowMs: value.DUPLICATE_WINDOW_MS,
  maxOrdersPerSecond: value.MAX_ORDERS_PER_SECOND,
});
