import { expect } from 'chai';
import fc from 'fast-check';
import { parseDecimal, PRICE_SCALE, QTY_SCALE } from '../../src/domain/money.js';
import { checkOrder } from '../../src/domain/order-rules.js';
import { tickAt, type AssetRules } from '../../src/domain/price-rules.js';
import type { OrderShape } from '../../src/domain/order-shape.js';

const usd = (text: string) => parseDecimal(text, PRICE_SCALE);
const shares = (text: string) => parseDecimal(text, QTY_SCALE);

const limits = { maxQty: shares('1000000'), maxNotional: usd('100000000') };
const stock: AssetRules = {
  symbol: 'AAPL',
  class: 'us_equity',
  fractionable: true,
  priceIncrement: usd('0.01'),
  minOrderSize: 1n,
  minTradeIncrement: 1n,
  lastPrice: usd('150'),
};
const coin: AssetRules = {
  symbol: 'BTC/USD',
  class: 'crypto',
  fractionable: true,
  priceIncrement: usd('0.5'),
  minOrderSize: shares('0.0001'),
  minTradeIncrement: shares('0.00005'),
  lastPrice: usd('60000'),
};

const plain: OrderShape = {
  side: 'buy',
  type: 'market',
  timeInForce: 'day',
  orderClass: '',
  qty: null,
  notional: null,
  limitPrice: null,
  stopPrice: null,
  trailPrice: null,
  trailPercent: null,
  extendedHours: false,
  takeProfit: null,
  stopLoss: null,
};
const limit = (qty: string, price: string): OrderShape => ({
  ...plain,
  type: 'limit',
  qty: shares(qty),
  limitPrice: usd(price),
});
const market = (qty: string): OrderShape => ({ ...plain, qty: shares(qty) });
const check = (order: OrderShape, asset: Partial<AssetRules> = {}) =>
  checkOrder(order, { ...stock, ...asset }, limits);

describe('the rules for an order', () => {
  for (const [what, order, asset] of [
    ['a whole share at a price on the tick', limit('1', '150.25'), stock],
    ['a fraction of a share', limit('0.5', '150.25'), stock],
    ['a market order', market('2'), stock],
    ['a whole share of what has no fractions', limit('3', '150'), { fractionable: false }],
    ['a sub-penny price below one dollar', limit('10', '0.9999'), stock],
    ['a dollar', limit('10', '1'), stock],
    ['the largest quantity', limit('1000000', '100'), stock],
    ['the largest value', limit('1000000', '100'), stock],
    ['the smallest order of a coin', limit('0.0001', '60000.5'), coin],
    ['a multiple of the increment', market('0.00015'), coin],
  ] as const) {
    it(`allow ${what}`, () => {
      expect(check(order, asset)).to.equal(null);
    });
  }

  for (const [what, order, asset, message, details] of [
    [
      'no quantity',
      limit('0', '150'),
      coin,
      'qty 0 must be greater than 0',
      { field: 'qty', value: '0', min: '0.0001' },
    ],
    [
      'a negative quantity',
      limit('-1', '150'),
      coin,
      'qty -1 must be greater than 0',
      { field: 'qty', value: '-1', min: '0.0001' },
    ],
    [
      'a fraction where there are none',
      limit('1.5', '150'),
      { fractionable: false },
      'qty 1.5 must be a whole number: AAPL is not fractionable',
      { field: 'qty', value: '1.5', increment: '1' },
    ],
    [
      'less than the smallest order',
      market('0.00009'),
      coin,
      'qty 0.00009 is too small: the smallest order in BTC/USD is 0.0001',
      { field: 'qty', value: '0.00009', min: '0.0001' },
    ],
    [
      'a quantity between two increments',
      market('0.00017'),
      coin,
      'qty 0.00017 must be a multiple of 0.00005 in BTC/USD',
      { field: 'qty', value: '0.00017', increment: '0.00005' },
    ],
    [
      'too large a quantity',
      market('1000000.000000001'),
      {},
      'qty 1000000.000000001 is too large: an order may have at most 1000000',
      { field: 'qty', value: '1000000.000000001', max: '1000000' },
    ],
    [
      'a price of nothing',
      limit('1', '0'),
      {},
      'limit_price 0 must be greater than 0',
      { field: 'limit_price', value: '0', min: '0.0001' },
    ],
    [
      'a negative price',
      limit('1', '-150.255'),
      {},
      'limit_price -150.255 must be greater than 0',
      { field: 'limit_price', value: '-150.255', min: '0.0001' },
    ],
    [
      'a price off the tick',
      limit('1', '150.255'),
      {},
      'limit_price 150.255 is not a multiple of the price increment 0.01 of AAPL; ' +
        'the nearest allowed: 150.25 and 150.26',
      {
        field: 'limit_price',
        value: '150.255',
        increment: '0.01',
        nearest: ['150.25', '150.26'],
      },
    ],
    [
      'a sub-penny price from one dollar on',
      limit('1', '1.0001'),
      {},
      'limit_price 1.0001 is not a multiple of the price increment 0.01 of AAPL; ' +
        'the nearest allowed: 1 and 1.01',
      { field: 'limit_price', value: '1.0001', increment: '0.01', nearest: ['1', '1.01'] },
    ],
    [
      'a coin price below its first tick',
      limit('1', '0.3'),
      coin,
      'limit_price 0.3 is not a multiple of the price increment 0.5 of BTC/USD; ' +
        'the nearest allowed: 0.5',
      { field: 'limit_price', value: '0.3', increment: '0.5', nearest: ['0.5'] },
    ],
    [
      'a limit order without a price',
      { ...limit('1', '1'), limitPrice: null },
      {},
      'limit_price is required for a limit order',
      { field: 'limit_price', value: null },
    ],
    [
      'a market order with a price',
      { ...market('1'), limitPrice: usd('150') },
      {},
      'limit_price is not allowed for a market order',
      { field: 'limit_price', value: '150' },
    ],
    [
      'an order worth less than the smallest amount',
      limit('0.000000001', '150'),
      {},
      "the order's value (0.000000001 AAPL at 150) is below the smallest amount of 0.0001 USD",
      { field: 'qty', value: '0.000000001', notional: '0', min_notional: '0.0001' },
    ],
    [
      'an order worth too much',
      limit('1000000', '100.01'),
      {},
      "the order's value of 100010000 USD (1000000 AAPL at 100.01) is above the limit of 100000000 USD",
      { field: 'qty', value: '1000000', notional: '100010000', max_notional: '100000000' },
    ],
    [
      'a market order worth too much at the last price',
      market('1000000'),
      {},
      "the order's value of 150000000 USD (1000000 AAPL at 150) is above the limit of 100000000 USD",
      { field: 'qty', value: '1000000', notional: '150000000', max_notional: '100000000' },
    ],
  ] as const) {
    it(`refuse ${what}`, () => {
      expect(checkOrder(order, { ...stock, ...asset }, limits)).to.deep.equal({ message, details });
    });
  }

  it('accept either neighbour that the refusal of an off-tick price names', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 8n }), (limitPrice) => {
        const order = { ...limit('1', '1'), limitPrice };
        const fault = checkOrder(order, stock, limits);
        expect(fault === null).to.equal(limitPrice % tickAt(limitPrice, stock) === 0n);
        for (const near of (fault?.details['nearest'] as string[] | undefined) ?? []) {
          expect(checkOrder({ ...order, limitPrice: usd(near) }, stock, limits)).to.equal(null);
        }
      }),
    );
  });
});
