import { startProduct, type Product } from '../support/processes.js';
import { Calls } from './calls.js';
import { testAccount } from './sdk-4/account.js';
import { EXCLUDED_OF_SDK4, openSdk4, surfaceOfSdk4, type Sdk4 } from './sdk-4/client.js';
import { testExcluded, testMarket } from './sdk-4/market.js';
import { testOrders } from './sdk-4/orders.js';
import { testStream } from './sdk-4/stream.js';

/** The unmodified SDK against the running product. */
describe('@alpacahq/alpaca-trade-api 4.0.2', function () {
  this.timeout(60_000);
  const calls = new Calls();
  let product: Product;
  let alpaca: Sdk4;

  before(async () => {
    product = await startProduct({ env: { RATE_LIMIT_PER_MIN: '0', FEE_BPS: '5' } });
    alpaca = openSdk4(product, calls);
  });
  after(() => product.stop());

  const setting = { product: () => product, alpaca: () => alpaca, calls };
  testOrders(setting);
  testStream(setting);
  testMarket(setting);
  testAccount(setting);

  describe('all of it', () => {
    testExcluded(setting);
    it('was called, or is excluded for a reason', () => {
      calls.expectAll(surfaceOfSdk4(), EXCLUDED_OF_SDK4);
    });
  });
});
