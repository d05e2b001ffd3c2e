import { randomUUID } from 'node:crypto';
import { newId } from '../ids.js';
import type { AssetCatalog, TradableAsset } from '../assets/catalog.js';
import { checkOrder } from '../domain/order-rules.js';
import type { OrderFault } from '../domain/price-rules.js';
import { explainOutage, isConnectionLost, type Database } from '../db.js';
import { DomainError, invalid, notFound } from '../errors.js';
import {
  cancelsAccepted,
  replacementsAccepted,
  intakeBatchSize,
  intakeDuration,
  ordersAccepted,
  ordersRejected,
} from '../metrics.js';
import type { LimitBook } from '../risk/limits.js';
import { BatchSpan } from '../tracing/batch-span.js';
import { activeTrace, inSpan, isTracing } from '../tracing/spans.js';
import { GroupCommit } from './group-commit.js';
import { persistBatch, type Command, type CommandAnswer } from './intake-batch.js';
import { findOrder, listOrders, withLegs, type OrderView } from './model.js';
import { shapeOf, type PlaceOrder } from './new-order.js';
import { buildSuccessor, checkChanges, type OrderChanges } from './replace-order.js';

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
  limits: Pick<LimitBook, 'for'>;
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
      ordersRejected.inc({ reason: reasonOf(fault) });
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
   * Puts a replacement into the sequence: a new order in the place of one that is open, for what is
   * unfilled of it when its turn comes. The worker decides, since a fill may come first.
   * @param ifVersion the version that the caller has in mind; null when it does not care
   * @returns the new order; until the replacement is done both are open
   * @throws DomainError 404 when it is not the account's, 409 at another version, 422 when it is final
   *   or the changes break a rule, 403 when they need more than there is
   */
  async replace(
    accountId: string,
    orderId: string,
    changes: OrderChanges,
    ifVersion: number | null,
  ): Promise<OrderView> {
    const { db, catalog, limits, marketCollarBps } = this.deps;
    const old = await findOrder(db.knex, accountId, orderId);
    if (!old) throw notFound('order');
    const asset = catalog.get(old.assetId);
    const fault = explain(checkChanges(old, changes, asset, limits.for(accountId, asset.id)));
    if (fault) throw fault;
    const successor = buildSuccessor(old, changes, asset, marketCollarBps);
    const command = { kind: 'replace', accountId, orderId, asset, successor, ifVersion } as const;
    const answer = await this.submit(command);
    if (answer.kind !== 'placed') throw new Error(`unexpected answer ${answer.kind} to a change`);
    replacementsAccepted.inc();
    return answer.order;
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
      if (!isTracing() || !activeTrace()) return await this.commits.submit(command);
      return await inSpan('intake', {}, () =>
        this.commits.submit({ ...command, trace: activeTrace() }),
      );
    } catch (error) {
      if (error instanceof DomainError && command.kind === 'place') {
        ordersRejected.inc({ reason: reasonOf(error) });
      }
      throw explainOutage(error);
    }
  }

  private async commit(batch: Command[]): Promise<(CommandAnswer | DomainError)[]> {
    const done = intakeDuration.startTimer();
    const span = BatchSpan.start('intake transaction', batch, ({ trace }) => trace, {
      attributes: { 'brokerx.batch.size': batch.length },
    });
    const { answers, shards, accounts } = await span.around(() => persistBatch(this.deps, batch));
    done();
    intakeBatchSize.observe(batch.length);
    span.run(() => {
      if (shards.length > 0) this.deps.nudge(shards);
      this.deps.announce(accounts);
    });
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
    const limits = this.deps.limits.for(request.accountId, asset.id);
    return explain(checkOrder(shapeOf(request), asset, limits));
  }

  /** The order as it was acknowledged, whatever happened to it since. */
  private async firstAnswer(request: PlaceOrder, orderId: string): Promise<OrderView> {
    const order = await findOrder(this.deps.db.knex, request.accountId, orderId).catch(
      (error: unknown) => {
        throw isConnectionLost(error) ? explainOutage(error) : error;
      },
    );
    if (!order) throw notFound('order');
    const [whole] = await withLegs(this.deps.db.knex, [order]);
    return {
      ...whole!,
      status: 'accepted',
      filledQty: 0n,
      filledValue: 0n,
      fees: 0n,
      reason: null,
      version: 1,
      updatedAt: order.createdAt,
      closedAt: null,
      pending: null,
      triggeredAt: null,
      replacedBy: null,
      hwm: null,
    };
  }
}

const explain = (fault: OrderFault | null): DomainError | null =>
  fault && invalid(fault.message, { ...fault.details });

/** Names a refusal for the metrics. */
const reasonOf = ({ kind, details }: DomainError): string =>
  typeof details['reason'] === 'string' ? details['reason'] : kind;
