import { expect } from 'chai';
import { expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

/** One floor for all: none of them leaves anything behind. */
describe('orders that are not valid', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const limit = (more: object) => ({
    symbol: 'AAPL',
    qty: '2',
    side: 'buy',
    type: 'limit',
    time_in_force: 'day',
    limit_price: '150',
    ...more,
  });
  const place = (body: object): Promise<Answer> =>
    api.call('POST', '/v2/orders', { as: trading.accounts[0]!, body });

  const bad: Record<string, object> = {
    'a quantity of zero': limit({ qty: '0' }),
    'a negative quantity': limit({ qty: '-1' }),
    'a quantity that is no number': limit({ qty: 'NaN' }),
    'a quantity of 2^63': limit({ qty: '9223372036854775808' }),
    'a quantity with 40 decimals': limit({ qty: `1.${'1'.repeat(40)}` }),
    'a quantity in exponent notation': limit({ qty: '1e3' }),
    'a quantity that is an object': limit({ qty: { $gt: 0 } }),
    'a quantity that is a list': limit({ qty: ['1'] }),
    'no quantity': limit({ qty: undefined }),
    'a price off the tick': limit({ limit_price: '150.001' }),
    'a price of zero': limit({ limit_price: '0' }),
    'a negative price': limit({ limit_price: '-150' }),
    'no price for a limit': limit({ limit_price: undefined }),
    'a price for a market order': limit({ type: 'market' }),
    'an unknown symbol': limit({ symbol: 'NOSUCH' }),
    'the currency as a symbol': limit({ symbol: 'USD' }),
    'a symbol that is a number': limit({ symbol: 1 }),
    'an unknown side': limit({ side: 'hold' }),
    'an unknown type': limit({ type: 'iceberg' }),
    'a type of a later version': limit({ type: 'stop', stop_price: '140' }),
    'an unknown time in force': limit({ time_in_force: 'forever' }),
    'an unknown field': limit({ quantity: '1' }),
    'a client order id of 129 characters': limit({ client_order_id: 'x'.repeat(129) }),
    'a NUL in the client order id': limit({ client_order_id: 'a\0b' }),
    'extended_hours that is text': limit({ extended_hours: 'yes' }),
    'a value above the limit': limit({ qty: '1000000', limit_price: '1000000' }),
  };
  for (const [name, body] of Object.entries(bad)) {
    it(`(${name}) are refused, with nothing held and nothing written`, async () => {
      expectProblem(await place(body), 422, 42210000);
      expect(await trading.cash(0)).to.include({ held: 0n });
      expect(await trading.container.db.knex('orders')).to.have.length(0);
      expect(await trading.container.db.knex('account_events')).to.have.length(0);
    });
  }
});
