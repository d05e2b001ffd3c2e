import { randomUUID } from 'node:crypto';
import { newId } from '../ids.js';
import type { AssetCatalog, TradableAsset } from '../assets/catalog.js';
import { checkOrder, type OrderLimits } from '../domain/order-rules.js';
import { explainOutage, isConnectionLost, type Database } from '../db.js';
import { DomainError, invalid, notFound } from '../errors.js';
import {
  cancelsAccepted,
  intakeBatchSize,
  intakeDuration,
  ordersAccepted,
  ordersRejected,
} from '../metrics.js';
import { GroupCommit } from './group-commit.js';
import { persistBatch, type Command, type CommandAnswer } from './intake-batch.js';
import {
  findOrder,
  listOrders,
  type OrderSide,
  type OrderType,
  type OrderView,
  type TimeInForce,
} from './model.js';

/** What a client asks for. Quantities in 10^-9 units, prices in 10^-4 USD. */
export interface PlaceOrder {
  accountId: string;
  /** `AAPL`, `BTC/USD`, `BTCUSD` or an asset id. */
  symbol: string;
  side: OrderSide;
  type: OrderType;
  timeInForce: TimeInForce;
  qty: bigint;
  limitPrice: bigint | null;
  extendedHours: boolean;
  /** Unique in the account; made up when null. */
  clientOrderId: string | null;
  /** A repeated key with the same request hash (SHA-256) gets the first answer again. */
  idempotency: { key: string; requestHash: Buffer } | null;
}

export interface Placed {
  order: OrderView;
  /** True when an Idempotency-Key answered with an earlier order. */
  replayed: boolean;
}

export interface CancelOutcome {
  order: OrderView;
  refusal: DomainError | null;
}

export interface IntakeDeps {
  db: Database;
  catalog: AssetCatalog;
  feeBps: number;
  marketCollarBps: number;
  limits: OrderLimits;
  /** Told after each commit which shards have new work. Must neither wait nor throw. */
  nudge: (shards: readonly number[]) => void;
  /** Told after each commit which accounts have new events. Must neither wait nor throw. */
  announce: (accountIds: readonly string[]) => void;
}

const MAX_BATCH = 250;
const MAX_WAITING = 10_000;
/** One: two would make batches smaller and wait for each other's account locks. */
const LANES = 1;
const CANCEL_ALL_PAGE = 250;

/**
 * The one way in for orders and cancellations, of clients and of the house alike: checks, holds,
 * persists and acknowledges. Concurrent calls share a transaction; each gets its own answer.
 */
export class Intake {
  private readonly commits: GroupCommit<Command, CommandAnswer>;

  constructor(private readonly deps: IntakeDeps) {
    this.commits = new GroupCommit({
      commit: (batch) => this.commit(batch),
      maxBatch: MAX_BATCH,
      maxWaiting: MAX_WAITING,
      lanes: LANES,
    });
  }

  /**
   * Accepts an order: when this resolves, the order, its hold and its work item are durable.
   * @throws DomainError with a machine-readable code; nothing is held or written then
   */
  async place(request: PlaceOrder): Promise<Placed> {
    const asset = this.findAsset(request.symbol);
    const fault = this.findFault(request, asset);
    if (fault && !request.idempotency) {
      ordersRejected.inc({ reason: fault.kind });
      throw fault;
    }
    const answer = await this.submit({
      kind: 'place',
      id: newId(),
      asset,
      request,
      fault,
      clientOrderId: request.clientOrderId ?? randomUUID(),
    });
    if (answer.kind === 'replayed')
      return { order: await this.firstAnswer(request, answer.orderId), replayed: true };
    if (answer.kind !== 'placed') throw new Error(`unexpected answer ${answer.kind} to an order`);
    ordersAccepted.inc({ side: request.side, type: request.type });
    return { order: answer.order, replayed: false };
  }

  /**
   * Puts a cancellation into the sequence; the worker decides, since a fill may come first.
   * @throws DomainError 404 when it is not the account's, 422 when it is final already
   */
  async cancel(accountId: string, orderId: string): Promise<void> {
    await this.submit({ kind: 'cancel', accountId, orderId });
    cancelsAccepted.inc();
  }

  /**
   * Cancels every open order of the account; each with its own outcome. Page by page, so that one
   * account's many orders do not keep everybody else's waiting.
   */
  async cancelAll(accountId: string): Promise<CancelOutcome[]> {
    const outcomes: CancelOutcome[] = [];
    let cursor: string | undefined;
    do {
      const open = await listOrders(this.deps.db.knex, accountId, {
        status: 'open',
        limit: CANCEL_ALL_PAGE,
        direction: 'desc',
        cursor,
      });
      outcomes.push(...(await Promise.all(open.map((order) => this.cancelOpen(order)))));
      cursor = open.length < CANCEL_ALL_PAGE ? undefined : open.at(-1)?.id;
    } while (cursor !== undefined);
    return outcomes;
  }

  private async cancelOpen(order: OrderView): Promise<CancelOutcome> {
    try {
      await this.cancel(order.accountId, order.id);
      return { order: { ...order, pending: 'cancel' }, refusal: null };
    } catch (error) {
      if (error instanceof DomainError) return { order, refusal: error };
      throw error;
    }
  }

  private async submit(command: Command): Promise<CommandAnswer> {
    try {
      return await this.commits.submit(command);
    } catch (error) {
      if (error instanceof DomainError && command.kind === 'place') {
        ordersRejected.inc({ reason: error.kind });
      }
      throw explainOutage(error);
    }
  }

  private async commit(batch: Command[]): Promise<(CommandAnswer | DomainError)[]> {
    const done = intakeDuration.startTimer();
    const { answers, shards, accounts } = await persistBatch(this.deps, batch);
    done();
    intakeBatchSize.observe(batch.length);
    if (shards.length > 0) this.deps.nudge(shards);
    this.deps.announce(accounts);
    return answers;
  }

  private findAsset(symbol: string): TradableAsset {
    const asset = this.deps.catalog.find(symbol);
    if (!asset) {
      ordersRejected.inc({ reason: 'unknown_symbol' });
      throw invalid(
        `asset "${symbol.slice(0, 40)}" not found: see GET /v2/assets for what can be traded`,
      );
    }
    return asset;
  }

  /** What the order breaks by itself. Prices move and assets are halted: a replay comes first. */
  private findFault(request: PlaceOrder, asset: TradableAsset): DomainError | null {
    if (asset.status !== 'active' || !asset.tradable) {
      return invalid(`asset ${asset.symbol} is not tradable`);
    }
    const fault = checkOrder(
      request as PlaceOrder & { type: 'market' | 'limit' },
      asset,
      this.deps.limits,
    );
    return fault && invalid(fault.message, fault.details);
  }

  /** The order as it was acknowledged, whatever happened to it since. */
  private async firstAnswer(request: PlaceOrder, orderId: string): Promise<OrderView> {
    const order = await findOrder(this.deps.db.knex, request.accountId, orderId).catch(
      (error: unknown) => {
        throw isConnectionLost(error) ? explainOutage(error) : error;
      },
    );
    if (!order) throw notFound('order');
    return {
      ...order,
      status: 'accepted',
      filledQty: 0n,
      filledValue: 0n,
      fees: 0n,
      reason: null,
      version: 1,
      updatedAt: order.createdAt,
      closedAt: null,
      pending: null,
    };
  }
}
