import { startProduct, type Product } from '../support/processes.js';
import { Calls } from './calls.js';
import { testAccount } from './sdk-3/account.js';
import { EXCLUDED_OF_SDK3, openSdk3, surfaceOfSdk3, type Sdk3 } from './sdk-3/client.js';
import { testOrders } from './sdk-3/orders.js';
import { testStream } from './sdk-3/stream.js';

/** The unmodified SDK against the running product: `baseUrl` is all that changes. */
describe('@alpacahq/alpaca-trade-api 3.1.3', function () {
  this.timeout(60_000);
  const calls = new Calls();
  let product: Product;
  let alpaca: Sdk3;

  before(async () => {
    product = await startProduct({ env: { RATE_LIMIT_PER_MIN: '0' } });
    alpaca = openSdk3(product, calls);
  });
  after(() => product.stop());

  const setting = { product: () => product, alpaca: () => alpaca, calls };
  testOrders(setting);
  testStream(setting);
  testAccount(setting);

  describe('all of it', () => {
    it('was called, or is excluded for a reason', () => {
      calls.expectAll(surfaceOfSdk3(), EXCLUDED_OF_SDK3);
    });
  });
});
