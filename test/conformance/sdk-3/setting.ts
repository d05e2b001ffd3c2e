import type { Product } from '../../support/processes.js';
import type { Calls } from '../calls.js';
import type { Sdk3 } from './client.js';

/** What the tests of one SDK share. Product and client are there once the tests run. */
export interface Setting {
  readonly product: () => Product;
  readonly alpaca: () => Sdk3;
  readonly calls: Calls;
}
