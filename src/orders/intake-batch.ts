import type { Context } from '@opentelemetry/api';
import type { TradableAsset } from '../assets/catalog.js';
import type { Database } from '../db.js';
import { Funds } from '../domain/risk.js';
import { DomainError, forbidden, invalid, notFound } from '../errors.js';
import type { LimitBook } from '../risk/limits.js';
import type { OrderTrace } from '../tracing/order-traces.js';
import { traceparentOf } from '../tracing/spans.js';
import {
  loadState,
  scoped,
  type AccountRow,
  type EventRow,
  type IntakeState,
  type KeyRow,
  type TargetRow,
  type WorkRow,
} from './intake-store.js';
import { writeChanges } from './intake-writes.js';
import type { OrderView } from './model.js';
import { buildOrders, type PlaceOrder } from './new-order.js';
import { PreTrade } from './pre-trade.js';
import {
  additionalHold,
  refuseFilled,
  refuseReplacement,
  type Successor,
} from './replace-order.js';
import { isClosed } from './working-order.js';

interface Traced {
  /** Where it was asked for, when that is traced. */
  readonly trace?: Context | null;
}
export interface PlaceCommand extends Traced {
  kind: 'place';
  id: string;
  asset: TradableAsset;
  request: PlaceOrder;
  /** Found before; counts only when the Idempotency-Key has no answer yet. Not remembered. */
  fault: DomainError | null;
  clientOrderId: string;
}
export interface CancelCommand extends Traced {
  kind: 'cancel';
  accountId: string;
  orderId: string;
}
export interface ReplaceCommand extends Traced {
  kind: 'replace';
  accountId: string;
  orderId: string;
  asset: TradableAsset;
  /** The new order, but for its quantity and its hold. */
  successor: Successor;
  /** What the client had in mind; null when it does not care. */
  ifVersion: number | null;
}
export type Command = PlaceCommand | CancelCommand | ReplaceCommand;

export type CommandAnswer =
  | { kind: 'placed'; order: OrderView }
  | { kind: 'replayed'; orderId: string }
  | { kind: 'cancelling' };

export interface BatchRules {
  db: Database;
  feeBps: number;
  marketCollarBps: number;
  limits: Pick<LimitBook, 'for'>;
}

/**
 * Persists a batch of commands in one transaction. A refused command leaves nothing behind and does
 * not disturb the others.
 * @returns an answer or refusal for each command, the shards that got work and the accounts with news
 */
export async function persistBatch(
  rules: BatchRules,
  commands: readonly Command[],
): Promise<{
  answers: (CommandAnswer | DomainError)[];
  shards: number[];
  accounts: string[];
}> {
  return rules.db.transaction(async (tx) => {
    const state = await loadState(tx, commands, rules.limits);
    const batch = new IntakeBatch(rules, state);
    const answers = commands.map((command) => batch.decide(command));
    commands.forEach((command, index) => batch.noteTrace(command, answers[index]!));
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
  readonly traces: OrderTrace[] = [];
  private readonly preTrade: PreTrade;

  constructor(
    private readonly rules: BatchRules,
    private readonly state: IntakeState,
  ) {
    this.funds = new Funds(state.accounts.values(), state.positions);
    this.preTrade = new PreTrade(rules.limits, state, this.funds);
  }

  decide(command: Command): CommandAnswer | DomainError {
    switch (command.kind) {
      case 'place':
        return this.place(command);
      case 'cancel':
        return this.cancel(command);
      case 'replace':
        return this.replace(command);
    }
  }

  /** Notes where the orders of a command come from, so that work and news of them get there. */
  noteTrace({ trace, ...command }: Command, answer: CommandAnswer | DomainError): void {
    if (!trace || answer instanceof DomainError || answer.kind === 'replayed') return;
    const traceparent = traceparentOf(trace);
    if (traceparent === null) return;
    const orderIds =
      answer.kind === 'placed'
        ? [answer.order, ...(answer.order.legs ?? [])].map(({ id }) => id)
        : [(command as CancelCommand).orderId];
    const { kind } = command;
    this.traces.push(...orderIds.map((orderId) => ({ orderId, kind, traceparent })));
  }

  private place(command: PlaceCommand): CommandAnswer | DomainError {
    const { request } = command;
    const earlier = request.idempotency && this.earlierAnswer(request);
    if (earlier) return earlier;
    if (command.fault) return command.fault;
    const answer = this.accept(command);
    if (request.idempotency) this.rememberKey(request, answer);
    return answer;
  }

  private accept(command: PlaceCommand): CommandAnswer | DomainError {
    const { asset, request } = command;
    const account = this.state.accounts.get(request.accountId);
    if (!account) return notFound('account');
    const scopedId = scoped(account.id, command.clientOrderId);
    if (this.state.clientOrderIds.has(scopedId)) return notUnique();
    const { feeBps, marketCollarBps } = this.rules;
    const bestOpposite = this.bestOpposite(asset.id, request.side);
    const house = { now: this.now, feeBps, marketCollarBps, bestOpposite };
    const orders = buildOrders(command, house);
    const [first] = orders as [OrderView, ...OrderView[]];
    this.sellWhatIsThere(first, asset);
    const refusal = this.preTrade.check(account, first, asset, this.now) ?? this.hold(orders);
    if (refusal) return refusal;

    this.state.clientOrderIds.add(scopedId);
    this.preTrade.remember(first);
    this.orders.push(...orders);
    this.addWork('place', first);
    this.addEvent(account, 'pending_new', first);
    const [, ...legs] = orders;
    return { kind: 'placed', order: legs.length > 0 ? { ...first, legs } : first };
  }

  /** A seller by notional may need less than at the worst price: what is there may well do. */
  private sellWhatIsThere(order: OrderView, asset: TradableAsset): void {
    if (order.notional === null || order.side !== 'sell') return;
    const available = this.funds.availableQty(order.accountId, asset.id);
    const isEnough = available * asset.lastPrice >= order.notional * 1_000_000_000n;
    if (available < order.hold && isEnough)
      Object.assign(order, { qty: available, hold: available });
  }

  /** Holds what all orders of a group need, or nothing. */
  private hold(orders: readonly OrderView[]): DomainError | null {
    const [{ accountId, assetId, symbol }] = orders as [OrderView];
    const sum = (side: string) =>
      orders.reduce((all, order) => (order.side === side ? all + order.hold : all), 0n);
    const cash = this.funds.reserveCash(accountId, sum('buy'));
    if (cash) return forbidden('insufficient buying power', { ...cash });
    const shares = this.funds.reserveQty(accountId, assetId, symbol, sum('sell'));
    if (!shares) return null;
    this.funds.returnCash(accountId, sum('buy'));
    return forbidden('insufficient qty available for order', { ...shares });
  }

  private cancel({ accountId, orderId }: CancelCommand): CommandAnswer | DomainError {
    const target = this.findTarget(accountId, orderId);
    if (target instanceof DomainError) return target;
    const { order, account } = target;
    if (isClosed(order.status)) {
      return invalid(`order is not cancelable: it is ${order.status}`, {
        order_status: order.status,
      });
    }
    if (order.cancelPending) return { kind: 'cancelling' }; // asked for already, here or elsewhere
    order.cancelPending = true;
    this.addWork('cancel', order);
    this.addEvent(account, 'pending_cancel', order);
    return { kind: 'cancelling' };
  }

  private replace(command: ReplaceCommand): CommandAnswer | DomainError {
    const { accountId, orderId, asset, successor, ifVersion } = command;
    const target = this.findTarget(accountId, orderId);
    if (target instanceof DomainError) return target;
    const { order: old, account } = target;
    const refused = refuseReplacement(old, ifVersion);
    if (refused) return refused;
    const totalQty = successor.totalQty ?? old.qty;
    const order: OrderView = { ...successor.order, createdAt: this.now, updatedAt: this.now };
    order.qty = totalQty - old.filledQty;
    if (order.qty <= 0n) return refuseFilled(old.filledQty, totalQty);
    const scopedId = scoped(accountId, order.clientOrderId);
    if (this.state.clientOrderIds.has(scopedId)) return notUnique();
    order.hold = additionalHold(old, order);
    const refusal = this.preTrade.check(account, order, asset, this.now) ?? this.hold([order]);
    if (refusal) return refusal;

    this.state.clientOrderIds.add(scopedId);
    old.replacePending = true;
    this.preTrade.remember(order);
    this.orders.push(order);
    this.addWork('replace', old, { newOrderId: order.id, totalQty, ifVersion });
    this.addEvent(account, 'pending_replace', old);
    return { kind: 'placed', order };
  }

  private findTarget(
    accountId: string,
    orderId: string,
  ): { order: TargetRow; account: AccountRow } | DomainError {
    const order = this.state.targets.get(orderId);
    const account = this.state.accounts.get(accountId);
    return account && order?.accountId === accountId ? { order, account } : notFound('order');
  }

  private bestOpposite(assetId: string, side: 'buy' | 'sell'): bigint | null {
    return this.state.bestPrices.get(assetId + (side === 'buy' ? 'sell' : 'buy')) ?? null;
  }

  private addWork(
    kind: WorkRow['kind'],
    { id, shard, accountId }: Pick<TargetRow, 'id' | 'shard' | 'accountId'>,
    replacement: Pick<WorkRow, 'newOrderId' | 'totalQty' | 'ifVersion'> = NO_REPLACEMENT,
  ): void {
    this.work.push({ shard, kind, orderId: id, accountId, ...replacement });
  }

  private addEvent(
    account: AccountRow,
    type: string,
    order: Pick<TargetRow, 'id' | 'status' | 'version' | 'filledQty' | 'filledValue' | 'fees'>,
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
    if (refused && answer.kind === 'rate_limited') return; // it may well pass a moment later
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

const NO_REPLACEMENT = { newOrderId: null, totalQty: null, ifVersion: null } as const;

const notUnique = (): DomainError =>
  new DomainError('invalid', 40010001, 'client_order_id must be unique');
