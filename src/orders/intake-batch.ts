import type { TradableAsset } from '../assets/catalog.js';
import type { Database } from '../db.js';
import { marketBound } from '../domain/collar.js';
import { holdFor } from '../domain/money.js';
import { tickAt } from '../domain/order-rules.js';
import { Funds } from '../domain/risk.js';
import { DomainError, forbidden, invalid, notFound } from '../errors.js';
import type { PlaceOrder } from './intake.js';
import {
  loadState,
  scoped,
  writeChanges,
  type AccountRow,
  type EventRow,
  type IntakeState,
  type KeyRow,
  type WorkRow,
} from './intake-store.js';
import type { OrderView } from './model.js';

export interface PlaceCommand {
  kind: 'place';
  id: string;
  asset: TradableAsset;
  request: PlaceOrder;
  /** Found before; counts only when the Idempotency-Key has no answer yet. Not remembered. */
  fault: DomainError | null;
  clientOrderId: string;
}
export interface CancelCommand {
  kind: 'cancel';
  accountId: string;
  orderId: string;
}
export type Command = PlaceCommand | CancelCommand;

export type CommandAnswer =
  | { kind: 'placed'; order: OrderView }
  | { kind: 'replayed'; orderId: string }
  | { kind: 'cancelling' };

export interface BatchRules {
  db: Database;
  feeBps: number;
  marketCollarBps: number;
}

const FINAL = new Set(['filled', 'canceled', 'expired', 'rejected']);

/**
 * Persists a batch of commands in one transaction. A refused command leaves nothing behind and does
 * not disturb the others.
 * @returns an answer or refusal for each command, and the shards that got work
 */
export async function persistBatch(
  rules: BatchRules,
  commands: readonly Command[],
): Promise<{ answers: (CommandAnswer | DomainError)[]; shards: number[]; accounts: string[] }> {
  return rules.db.transaction(async (tx) => {
    const state = await loadState(tx, commands);
    const batch = new IntakeBatch(rules, state);
    const answers = commands.map((command) =>
      command.kind === 'place' ? batch.place(command) : batch.cancel(command),
    );
    await writeChanges(tx, batch, state, batch.funds);
    return {
      answers,
      shards: [...new Set(batch.work.map(({ shard }) => shard))],
      accounts: [...new Set(batch.events.map(({ accountId }) => accountId))],
    };
  });
}

/** Decides command after command, in memory; what it collects is written when all are decided. */
class IntakeBatch {
  readonly now = new Date();
  readonly funds: Funds;
  readonly orders: OrderView[] = [];
  readonly work: WorkRow[] = [];
  readonly events: EventRow[] = [];
  readonly keys: KeyRow[] = [];

  constructor(
    private readonly rules: BatchRules,
    private readonly state: IntakeState,
  ) {
    this.funds = new Funds(state.accounts.values(), state.positions);
  }

  place(command: PlaceCommand): CommandAnswer | DomainError {
    const { request } = command;
    const earlier = request.idempotency && this.earlierAnswer(request);
    if (earlier) return earlier;
    if (command.fault) return command.fault;
    const answer = this.accept(command);
    if (request.idempotency) this.rememberKey(request, answer);
    return answer;
  }

  private accept(command: PlaceCommand): CommandAnswer | DomainError {
    const { asset, request, clientOrderId } = command;
    const account = this.state.accounts.get(request.accountId);
    if (!account) return notFound('account');
    const scopedId = scoped(account.id, clientOrderId);
    if (this.state.clientOrderIds.has(scopedId)) {
      return new DomainError('invalid', 40010001, 'client_order_id must be unique');
    }
    const boundPrice = request.limitPrice ?? this.marketBound(asset, request.side);
    const buying = request.side === 'buy';
    const hold = buying ? holdFor(boundPrice, request.qty, this.rules.feeBps) : request.qty;
    const refusal = buying
      ? this.holdCash(account.id, hold)
      : this.holdShares(account.id, asset, hold);
    if (refusal) return refusal;

    this.state.clientOrderIds.add(scopedId);
    const order = this.newOrder(command, boundPrice, hold);
    this.orders.push(order);
    this.work.push({ shard: asset.shard, kind: 'place', orderId: order.id, accountId: account.id });
    this.addEvent(account, 'pending_new', order);
    return { kind: 'placed', order };
  }

  private newOrder(
    { id, asset, request, clientOrderId }: PlaceCommand,
    boundPrice: bigint,
    hold: bigint,
  ): OrderView {
    const { accountId, side, type, timeInForce, qty, limitPrice, extendedHours } = request;
    return {
      id,
      accountId,
      assetId: asset.id,
      shard: asset.shard,
      clientOrderId,
      side,
      type,
      timeInForce,
      qty,
      limitPrice,
      boundPrice,
      feeBps: this.rules.feeBps,
      extendedHours,
      createdAt: this.now,
      status: 'accepted',
      filledQty: 0n,
      filledValue: 0n,
      fees: 0n,
      hold,
      reason: null,
      version: 1,
      updatedAt: this.now,
      closedAt: null,
      symbol: asset.symbol,
      assetClass: asset.class,
      pending: null,
      notional: null,
      stopPrice: null,
      trailPrice: null,
      trailPercent: null,
      orderClass: '',
      leg: null,
      groupId: null,
      replaces: null,
      replacedBy: null,
      triggeredAt: null,
      hwm: null,
    };
  }

  cancel({ accountId, orderId }: CancelCommand): CommandAnswer | DomainError {
    const order = this.state.cancelable.get(orderId);
    const account = this.state.accounts.get(accountId);
    if (!account || order?.accountId !== accountId) return notFound('order');
    if (FINAL.has(order.status)) {
      return invalid(`order is not cancelable: it is ${order.status}`, { status: order.status });
    }
    if (order.cancelPending) return { kind: 'cancelling' }; // asked for already, here or elsewhere
    order.cancelPending = true;
    this.work.push({ shard: order.shard, kind: 'cancel', orderId, accountId });
    this.addEvent(account, 'pending_cancel', order);
    return { kind: 'cancelling' };
  }

  private marketBound(asset: TradableAsset, side: 'buy' | 'sell'): bigint {
    const book = side === 'buy' ? 'sell' : 'buy';
    const best = this.state.bestPrices.get(asset.id + book) ?? null;
    const tick = tickAt(asset.lastPrice, asset);
    return marketBound(side, asset.lastPrice, best, this.rules.marketCollarBps, tick);
  }

  private holdCash(accountId: string, amount: bigint): DomainError | null {
    const refusal = this.funds.reserveCash(accountId, amount);
    return refusal && forbidden('insufficient buying power', { ...refusal });
  }

  private holdShares(accountId: string, asset: TradableAsset, qty: bigint): DomainError | null {
    const refusal = this.funds.reserveQty(accountId, asset.id, asset.symbol, qty);
    return refusal && forbidden('insufficient qty available for order', { ...refusal });
  }

  private addEvent(
    account: AccountRow,
    type: string,
    order: Pick<EventRow, 'status' | 'version' | 'filledQty' | 'filledValue' | 'fees'> & {
      id: string;
    },
  ): void {
    account.lastEventId += 1n;
    this.events.push({
      accountId: account.id,
      eventId: account.lastEventId,
      type,
      orderId: order.id,
      status: order.status,
      version: order.version,
      filledQty: order.filledQty,
      filledValue: order.filledValue,
      fees: order.fees,
    });
  }

  private earlierAnswer(request: PlaceOrder): CommandAnswer | DomainError | null {
    const earlier = this.state.keys.get(scoped(request.accountId, request.idempotency!.key));
    if (!earlier) return null;
    if (!earlier.requestHash.equals(request.idempotency!.requestHash)) {
      return invalid('This Idempotency-Key was used with another request; use a new key');
    }
    if (earlier.orderId !== null) return { kind: 'replayed', orderId: earlier.orderId };
    const { kind, code, message, details } = earlier.refusal!;
    return new DomainError(kind, code, message, details, true);
  }

  private rememberKey(request: PlaceOrder, answer: CommandAnswer | DomainError): void {
    const refused = answer instanceof DomainError;
    const row: KeyRow = {
      accountId: request.accountId,
      key: request.idempotency!.key,
      requestHash: request.idempotency!.requestHash,
      orderId: !refused && answer.kind === 'placed' ? answer.order.id : null,
      refusal: refused
        ? { kind: answer.kind, code: answer.code, message: answer.message, details: answer.details }
        : null,
    };
    this.state.keys.set(scoped(row.accountId, row.key), row);
    this.keys.push(row);
  }
}
