import knexFactory from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { seedAccounts, type SeededAccount } from '../../src/commands/seed.js';
import { readConfig } from '../../src/config.js';
import { createContainer, type Container } from '../../src/container.js';
import { connectDatabase } from '../../src/db.js';
import { parseDecimal, PRICE_SCALE, QTY_SCALE } from '../../src/domain/money.js';
import { proveLedger, type LedgerProof } from '../../src/ledger/proof.js';
import { Executor, type ExecutorDeps } from '../../src/orders/executor.js';
import type { PlaceOrder } from '../../src/orders/new-order.js';
import { findOrder, type OrderView } from '../../src/orders/model.js';
import type { OrderChanges } from '../../src/orders/replace-order.js';
import { createTestDatabase } from './database.js';
import { testRedisUrl } from './servers.js';

export const usd = (text: string): bigint => parseDecimal(text, PRICE_SCALE);
export const shares = (text: string): bigint => parseDecimal(text, QTY_SCALE);

/** A replacement as the order that it replaces. */
export const NO_CHANGE: OrderChanges = {
  qty: null,
  timeInForce: null,
  limitPrice: null,
  stopPrice: null,
  trail: null,
  clientOrderId: null,
};

const CASH = '100000';
const SHARES = '1000';

/** A database, some funded accounts, and the intake and executor that work on them. */
export interface Trading {
  container: Container;
  accounts: SeededAccount[];
  /** Another worker process, as far as the executor can tell. */
  otherExecutor(more?: Partial<ExecutorDeps>): Executor;
  place(order: TestOrder): Promise<OrderView>;
  /** Executes everything that waits. */
  settle(executor?: Executor): Promise<void>;
  order(order: Pick<OrderView, 'id' | 'accountId'>): Promise<OrderView>;
  cash(account: number): Promise<{ cash: bigint; held: bigint }>;
  position(account: number, symbol: string): Promise<{ qty: bigint; held: bigint; cost: bigint }>;
  proof(): Promise<LedgerProof>;
  /** Changes what the application may not, such as the past. */
  asOwner(sql: string): Promise<void>;
  stop(): Promise<void>;
}

/** An order in text, with defaults; `account` is an index. */
export interface TestOrder {
  account: number;
  side: 'buy' | 'sell';
  qty: string;
  /** Absent: a market order. */
  price?: string;
  symbol?: string;
  timeInForce?: PlaceOrder['timeInForce'];
  /** Whatever else the order has, in the intake's terms. */
  more?: Partial<PlaceOrder>;
  clientOrderId?: string;
  idempotency?: PlaceOrder['idempotency'];
}

/**
 * Builds a trading floor on a database of its own.
 * @param env settings that the test cares about, such as FEE_BPS
 */
export async function startTrading(
  accountCount: number,
  env: Record<string, string> = {},
): Promise<Trading> {
  const database = await createTestDatabase('assets');
  const config = readConfig({
    DATABASE_URL: database.url,
    REDIS_URL: testRedisUrl(),
    LOG_LEVEL: 'error',
    ...env,
  });
  const seeding = connectDatabase(database.url, 'test-seed', 2);
  const accounts = await seedAccounts(
    seeding.knex,
    {
      accounts: accountCount,
      cash: usd(CASH),
      shares: new Map([
        ['AAPL', shares(SHARES)],
        ['MSFT', shares(SHARES)],
        ['BTC/USD', shares('10')],
      ]),
    },
    () => undefined,
  );
  await seeding.close();
  const container = await createContainer(config, 'test');
  const { db, catalog, intake, executor, log } = container;

  return {
    container,
    accounts,
    otherExecutor: (more) =>
      new Executor({
        db,
        log,
        worker: `test-${uuidv7()}`,
        marketHours: config.marketHours,
        marketCollarBps: config.marketCollarBps,
        venueGoodForMs: config.venueGoodForMs,
        limits: container.limits,
        acceptanceWishes: container.acceptanceWishes,
        nudgeNotifications: () => undefined,
        announce: () => undefined,
        announceMarket: () => undefined,
        tellVenue: () => undefined,
        ...more,
      }),
    place: async (order) => (await intake.place(toRequest(order, accounts))).order,
    settle: async (by = executor) => {
      const shardIds = new Set(catalog.all().map(({ shard }) => shard));
      await Promise.all([...shardIds].map((shard) => by.drain(shard, 'test')));
    },
    order: async ({ id, accountId }) => (await findOrder(db.knex, accountId, id))!,
    cash: async (account) => {
      const row = (await db
        .knex('accounts')
        .first('cash', 'cash_held as held')
        .where({ id: accounts[account]!.account_id })) as { cash: bigint; held: bigint };
      return row;
    },
    position: async (account, symbol) => {
      const row = (await db
        .knex('positions')
        .first('qty', 'held', 'cost_basis as cost')
        .where({
          account_id: accounts[account]!.account_id,
          asset_id: catalog.find(symbol)!.id,
        })) as { qty: bigint; held: bigint; cost: bigint } | undefined;
      return row ?? { qty: 0n, held: 0n, cost: 0n };
    },
    proof: () => proveLedger(db.knex),
    asOwner: async (sql) => {
      const owner = knexFactory({ client: 'pg', connection: database.url });
      await owner.raw(sql);
      await owner.destroy();
    },
    async stop() {
      await container.close();
      database.drop();
    },
  };
}

export function toRequest(order: TestOrder, accounts: readonly SeededAccount[]): PlaceOrder {
  const limitPrice = order.price === undefined ? null : usd(order.price);
  return {
    accountId: accounts[order.account]!.account_id,
    symbol: order.symbol ?? 'AAPL',
    side: order.side,
    type: limitPrice === null ? 'market' : 'limit',
    timeInForce: order.timeInForce ?? 'day',
    qty: shares(order.qty),
    limitPrice,
    extendedHours: false,
    clientOrderId: order.clientOrderId ?? null,
    idempotency: order.idempotency ?? null,
    ...order.more,
  };
}
