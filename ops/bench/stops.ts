import { cpus } from 'node:os';
import { readConfig } from '../../src/config.js';
import { createContainer, type Container } from '../../src/container.js';
import { parseDecimal, PRICE_SCALE, QTY_SCALE } from '../../src/domain/money.js';
import type { SeededAccount } from '../../src/commands/seed.js';
import type { PlaceOrder } from '../../src/orders/new-order.js';
import { seedTraders } from './floor.js';
import { startFreshInstance } from './instance.js';
import { median } from './load.js';
import { seededRandom } from './order-flow.js';

/**
 * `npm run bench:stops`: what 10,000 resting stops cost a batch. Two stocks trade the same random
 * orders, one of them with stops (a fifth of them trailing) from 2 to 50 % away; their batches are
 * settled in turn by the executor in this process, so that the machine's noise meets both alike.
 */

const STOPS = 10_000;
const ROUNDS = 60;
const WARMUP_ROUNDS = 10;
const BATCH = 200;
const ACCOUNTS = 400;
/** Both cost the same, so that their batches are alike. */
const [PLAIN, WITH_STOPS] = ['AAPL', 'JNJ'] as const;

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const usd = (dollars: number): bigint => parseDecimal(dollars.toFixed(2), PRICE_SCALE);

interface Floor {
  container: Container;
  accounts: SeededAccount[];
  random: () => number;
}

const blank = {
  extendedHours: false,
  clientOrderId: null,
  idempotency: null,
  limitPrice: null,
} as const;

const priceOf = ({ container }: Floor, symbol: string): number =>
  Number(container.catalog.find(symbol)!.lastPrice) / 10 ** PRICE_SCALE;

async function placeStops(floor: Floor): Promise<void> {
  const { container, accounts, random } = floor;
  const price = priceOf(floor, WITH_STOPS);
  for (let placed = 0; placed < STOPS; placed += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, n): PlaceOrder => {
      const side = random() < 0.5 ? 'buy' : 'sell';
      const away = price * (0.02 + random() * 0.48);
      const order = {
        ...blank,
        accountId: accounts[Math.floor(random() * accounts.length)]!.account_id,
        symbol: WITH_STOPS,
        side,
        timeInForce: 'gtc',
        qty: parseDecimal('1', QTY_SCALE),
      } as const;
      if (n % 5 === 0) return { ...order, type: 'trailing_stop', trailPrice: usd(away) };
      const stop = side === 'buy' ? price + away : price - away;
      return { ...order, type: 'stop', stopPrice: usd(stop) };
    });
    await Promise.all(batch.map((order) => container.intake.place(order)));
    await container.executor.drain(container.catalog.find(WITH_STOPS)!.shard, 'bench');
  }
}

/** Accepts a batch, then settles it. @returns how long settling took, in ms */
async function settleBatch(floor: Floor, symbol: string): Promise<number> {
  const { container, accounts, random } = floor;
  const [price, { shard }] = [priceOf(floor, symbol), container.catalog.find(symbol)!];
  const half = accounts.length / 2;
  await Promise.all(
    Array.from({ length: BATCH }, () => {
      const buys = random() < 0.5;
      const account = Math.floor(random() * half) + (buys ? 0 : half); // nobody meets himself
      return container.intake.place({
        ...blank,
        accountId: accounts[account]!.account_id,
        symbol,
        side: buys ? 'buy' : 'sell',
        type: 'limit',
        timeInForce: 'day',
        qty: parseDecimal(String(1 + Math.floor(random() * 20)), QTY_SCALE),
        limitPrice: usd(price + (random() - 0.5) * 0.4),
      });
    }),
  );
  const started = performance.now();
  await container.executor.drain(shard, 'bench');
  return performance.now() - started;
}

async function main(): Promise<void> {
  say('Starting a fresh instance');
  const instance = await startFreshInstance(0);
  const container = await createContainer(
    readConfig({
      DATABASE_URL: instance.databaseUrl,
      REDIS_URL: instance.redisUrl,
      LOG_LEVEL: 'error',
    }),
    'bench',
  );
  try {
    const symbols = [PLAIN, WITH_STOPS].map((symbol) => ({ symbol, price: 15_000 }));
    const accounts = await seedTraders(container.db, ACCOUNTS, symbols);
    const floor = { container, accounts, random: seededRandom(1) };
    // The same price for both: only the stops differ.
    const price = container.catalog.find(PLAIN)!.lastPrice;
    await container.db
      .knex('market_prices')
      .update({ reference_price: price.toString() })
      .where({ asset_id: container.catalog.find(WITH_STOPS)!.id });
    await container.catalog.refresh();
    say(`Placing ${STOPS} stops`);
    await placeStops(floor);
    say(`Settling ${ROUNDS} batches of ${BATCH} orders of each`);
    const times = { plain: [] as number[], stops: [] as number[] };
    for (let round = -WARMUP_ROUNDS; round < ROUNDS; round += 1) {
      const [plain, stops] = [
        await settleBatch(floor, PLAIN),
        await settleBatch(floor, WITH_STOPS),
      ];
      if (round < 0) continue;
      times.plain.push(plain);
      times.stops.push(stops);
    }
    const [left] = await container.db
      .knex('parked_orders')
      .count<{ count: bigint }[]>('* as count');
    report(median(times.plain), median(times.stops), Number(left!.count));
  } finally {
    await container.close();
    await instance.stop();
  }
}

function report(plain: number, stops: number, left: number): void {
  const slower = (stops / plain - 1) * 100;
  const rows = [
    ['machine', `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`],
    ['stops resting at the end', String(left)],
    [`median of a batch of ${BATCH} without stops (ms)`, plain.toFixed(1)],
    [`median of a batch of ${BATCH} beside them (ms)`, stops.toFixed(1)],
    ['slower by (%)', slower.toFixed(1)],
  ] as const;
  for (const [name, value] of rows) process.stdout.write(`${name.padEnd(44)} ${value}\n`);
  const line = { plain_ms: plain, stops_ms: stops, slower_percent: slower, stops: left };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
});
