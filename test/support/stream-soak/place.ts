import { connectDatabase, type Database } from '../../../src/db.js';
import { seededRandom } from '../../../src/domain/seeded-random.js';
import { seedTraders, type Key } from '../order-load.js';
import { startProduct, type Product } from '../processes.js';
import { BookClient } from './book-client.js';
import { BookLoad } from './book-load.js';
import { byEventSource, bySocket } from './connections.js';
import { SameAtSameNumber } from './same-at-same-number.js';
import { SecondApi } from './second-api.js';
import { Wire } from './wire.js';

const ENV = { MARKET_SIMULATOR: 'off', RATE_LIMIT_PER_MIN: '0', LOG_LEVEL: 'error' };
/** Prices in cents. */
const PRICED = [
  { symbol: 'AAPL', price: 15_000 },
  { symbol: 'MSFT', price: 41_000 },
  { symbol: 'KO', price: 6_500 },
  { symbol: 'SPY', price: 57_000 },
];
export const SYMBOLS: readonly string[] = PRICED.map(({ symbol }) => symbol);
const TRADERS = 8;

/** How to stop what was started, the last first. */
export class Stops {
  private readonly stops: (() => Promise<unknown>)[] = [];

  add(stop: () => Promise<unknown>): void {
    this.stops.push(stop);
  }

  async all(): Promise<void> {
    for (const stop of this.stops.splice(0).reverse()) await stop();
  }
}

/** The whole product, one API more, load, and clients behind wires. */
export interface Place {
  readonly product: Product;
  readonly second: SecondApi;
  readonly db: Database;
  readonly keys: readonly Key[];
  /** URLs. */
  readonly apis: readonly string[];
  readonly wires: readonly Wire[];
  readonly clients: readonly BookClient[];
  readonly same: SameAtSameNumber;
  readonly load: BookLoad;
}

/** @param stops filled as things start, also when a later one does not */
export async function startPlace(seed: number, stops: Stops): Promise<Place> {
  const product = await startProduct({ env: ENV });
  stops.add(() => product.stop());
  const second = await SecondApi.start(product, ENV, (stop) => stops.add(stop));
  const db = connectDatabase(product.demo.database_url, 'test', 2);
  stops.add(() => db.close());
  const keys = (await seedTraders(db.knex)).slice(0, TRADERS);
  const apis = [product.demo.url, second.url];
  const wires = await Promise.all(apis.map((url) => Wire.to(url)));
  stops.add(() => Promise.all(wires.map((wire) => wire.close())));
  const same = new SameAtSameNumber();
  const clients = startClients(wires, keys, same);
  stops.add(() => Promise.all(clients.map((client) => client.stop())));
  const load = new BookLoad(apis, keys, PRICED, seededRandom(seed));
  stops.add(() => load.stop());
  return { product, second, db, keys, apis, wires, clients, same, load };
}

function startClients(
  [first, second]: readonly Wire[],
  keys: readonly Key[],
  same: SameAtSameNumber,
): BookClient[] {
  const [one, two] = [first!.url, second!.url];
  const [key, other] = [keys[0]!, keys[1]!];
  return [
    new BookClient(
      'two symbols',
      SYMBOLS.slice(0, 2),
      bySocket(one, key, SYMBOLS.slice(0, 2)),
      same,
    ),
    new BookClient('all', SYMBOLS, bySocket(one, other, ['*']), same),
    new BookClient('all, second API', SYMBOLS, bySocket(two, key, SYMBOLS), same),
    new BookClient(
      'last two, second API',
      SYMBOLS.slice(2),
      bySocket(two, other, SYMBOLS.slice(2)),
      same,
    ),
    new BookClient('events', SYMBOLS, byEventSource(one, key, SYMBOLS), same),
    new BookClient('events, second API', SYMBOLS, byEventSource(two, other, SYMBOLS), same),
  ];
}
