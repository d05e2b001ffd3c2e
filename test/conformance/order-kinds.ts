/** Every kind of order, in the wire format's terms, and what becomes of it on the demo market. */
export interface OrderKind {
  readonly title: string;
  readonly order: Readonly<Record<string, unknown>>;
  /** What it must say once a worker has seen it. */
  readonly becomes: Readonly<Record<string, unknown>>;
}

const filled = { status: 'filled' };
const open = { status: 'new' };
const day = { time_in_force: 'day' };
const gtc = { time_in_force: 'gtc' };
const buy = { symbol: 'AAPL', side: 'buy', ...day }; // opens at 150
const sell = { symbol: 'MSFT', side: 'sell', ...gtc }; // opens at 410

/**
 * Prices are far from where the demo market opens, for it moves. A buyer's limit far above the price
 * is one that the market fills; a seller's stop above it is reached at once.
 */
export const SIMPLE_ORDERS: readonly OrderKind[] = [
  {
    title: 'a market order',
    order: { ...buy, type: 'market', qty: 2 },
    becomes: { ...filled, filled_qty: '2', order_class: '' },
  },
  {
    title: 'a market order for a fraction',
    order: { ...buy, type: 'market', qty: 0.123456789 },
    becomes: { ...filled, qty: '0.123456789', filled_qty: '0.123456789' },
  },
  {
    title: 'a market order by notional',
    order: { ...buy, type: 'market', notional: 1000.5 },
    becomes: { ...filled, notional: '1000.5', qty: null },
  },
  {
    title: 'a market order for coins',
    order: { ...buy, ...gtc, symbol: 'BTC/USD', type: 'market', qty: '0.01' },
    becomes: { ...filled, symbol: 'BTC/USD', asset_class: 'crypto' },
  },
  {
    title: 'a limit order that rests',
    order: { ...buy, type: 'limit', qty: 2, limit_price: 100.25 },
    becomes: { ...open, limit_price: '100.25', qty: '2' },
  },
  {
    title: 'a limit order for the extended hours',
    order: { ...buy, type: 'limit', qty: 2, limit_price: '100', extended_hours: true },
    becomes: { ...open, extended_hours: true },
  },
  {
    title: 'a limit order by notional',
    order: { ...buy, type: 'limit', notional: 200, limit_price: 200 },
    becomes: { ...filled, notional: '200' },
  },
  {
    title: 'an ioc',
    order: { ...buy, type: 'limit', qty: 1, limit_price: 100, time_in_force: 'ioc' },
    becomes: { status: 'canceled', time_in_force: 'ioc', filled_qty: '0' },
  },
  {
    title: 'a fok',
    order: { ...buy, type: 'limit', qty: 1, limit_price: 200, time_in_force: 'fok' },
    becomes: { ...filled, time_in_force: 'fok' },
  },
  {
    title: 'an order for the open',
    order: { ...buy, type: 'limit', qty: 1, limit_price: 100, time_in_force: 'opg' },
    becomes: { status: 'accepted', time_in_force: 'opg' },
  },
  {
    title: 'an order for the close',
    order: { ...buy, type: 'limit', qty: 1, limit_price: 100, time_in_force: 'cls' },
    becomes: { status: 'accepted', time_in_force: 'cls' },
  },
  {
    title: 'a stop that is reached at once',
    order: { ...sell, type: 'stop', qty: 1, stop_price: 600 },
    becomes: { ...filled, type: 'stop', stop_price: '600' },
  },
  {
    title: 'a stop that waits',
    order: { ...sell, type: 'stop', qty: 1, stop_price: 300 },
    becomes: { ...open, stop_price: '300', limit_price: null },
  },
  {
    title: 'a stop limit that waits',
    order: { ...sell, type: 'stop_limit', qty: 1, stop_price: 300, limit_price: 299.5 },
    becomes: { ...open, type: 'stop_limit', stop_price: '300', limit_price: '299.5' },
  },
  {
    title: 'a trailing stop by price',
    order: { ...sell, type: 'trailing_stop', qty: 1, trail_price: 100 },
    becomes: { ...open, trail_price: '100', trail_percent: null },
  },
  {
    title: 'a trailing stop by percent',
    order: { ...sell, type: 'trailing_stop', qty: 1, trail_percent: 25.5 },
    becomes: { ...open, trail_percent: '25.5', trail_price: null },
  },
];

export interface GroupKind {
  readonly title: string;
  readonly order: Readonly<Record<string, unknown>>;
  readonly becomes: Readonly<Record<string, unknown>>;
  /** Its other orders, in their order, once a worker has seen it. */
  readonly legs: readonly Readonly<Record<string, unknown>>[];
}

const profit = { take_profit: { limit_price: 300 } };
const enter = { symbol: 'NVDA', side: 'buy', qty: 2, ...gtc }; // opens at 125
const takesProfit = { type: 'limit', side: 'sell', limit_price: '300', qty: '2' };
const stopsLoss = { type: 'stop', side: 'sell', stop_price: '60', qty: '2' };

export const GROUPS: readonly GroupKind[] = [
  {
    title: 'a bracket whose entry is filled',
    order: {
      ...{ ...enter, type: 'market', order_class: 'bracket', ...profit },
      stop_loss: { stop_price: 60 },
    },
    becomes: { ...filled, order_class: 'bracket' },
    legs: [
      { ...takesProfit, status: 'new' },
      { ...stopsLoss, status: 'new' },
    ],
  },
  {
    title: 'a bracket whose entry rests',
    order: {
      ...{ ...enter, type: 'limit', limit_price: 90, order_class: 'bracket', ...profit },
      stop_loss: { stop_price: 60, limit_price: 59 },
    },
    becomes: { ...open, order_class: 'bracket' },
    legs: [
      { ...takesProfit, status: 'held' },
      { ...stopsLoss, type: 'stop_limit', limit_price: '59', status: 'held' },
    ],
  },
  {
    title: 'an oco',
    order: {
      ...{ ...enter, side: 'sell', type: 'limit', order_class: 'oco', ...profit },
      stop_loss: { stop_price: 60 },
    },
    becomes: { ...open, ...takesProfit, order_class: 'oco' },
    legs: [{ ...stopsLoss, status: 'new' }],
  },
  {
    title: 'an oto with a stop loss',
    order: { ...enter, type: 'market', order_class: 'oto', stop_loss: { stop_price: 60 } },
    becomes: { ...filled, order_class: 'oto' },
    legs: [{ ...stopsLoss, status: 'new' }],
  },
  {
    title: 'an oto with a take profit',
    order: { ...enter, type: 'market', order_class: 'oto', ...profit },
    becomes: { ...filled, order_class: 'oto' },
    legs: [{ ...takesProfit, status: 'new' }],
  },
];
