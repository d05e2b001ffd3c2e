import { newId } from '../ids.js';
import type { Fill } from '../domain/match.js';
import { feeOn, tradeValue } from '../domain/money.js';
import type { RestingOrder } from '../domain/order-book.js';
import { edgeOf, type Edge } from '../domain/price-bands.js';
import type { Direction } from '../domain/triggers.js';
import { FEES_ACCOUNT, MAKER_ACCOUNT, VENUE_ACCOUNT } from '../ledger/house.js';
import { tradePostings, type PostingRow } from '../ledger/trade-postings.js';
import type { VenueFill } from './pass-routes.js';
import type { WorkingOrder } from './working-order.js';

export interface TradeRow {
  id: string;
  taker: WorkingOrder;
  /** Null: it was traded at the external venue. */
  maker: WorkingOrder | null;
  /** What the venue calls it. */
  venueExecutionId: string | null;
  price: bigint;
  qty: bigint;
  value: bigint;
  takerFee: bigint;
  makerFee: bigint;
}

/** What moves one account's holding of one asset, in the order it happens. */
export interface Movement {
  qty: bigint;
  /** What a purchase adds to the cost basis, in 10^-4 USD; nothing for a sale. */
  cost: bigint;
  /** Filled in when the position is under lock: the quantity after this movement. */
  positionQty?: bigint;
}

export interface EventDraft {
  accountId: string;
  type: string;
  orderId: string;
  status: string;
  version: number;
  filledQty: bigint;
  filledValue: bigint;
  fees: bigint;
  fill?: { executionId: string; price: bigint; qty: bigint; fee: bigint; movement: Movement };
  reason: string | null;
}

/** Events without an execution of which all clients are told, unless they have chosen otherwise. */
const TOLD_EVENTS: ReadonlySet<string> = new Set(['rejected', 'canceled', 'expired']);

/** What a pass has to tell of an order. */
export interface NotificationDraft {
  order: WorkingOrder;
  /** None for an order that only came to the market, or ended. */
  executions: number;
  qty: bigint;
  value: bigint;
  fees: bigint;
}

/** An open order that is not in the book, and what it waits for. */
export interface ParkedRow {
  order: WorkingOrder;
  seq: bigint;
  waitsFor: 'trigger' | 'entry' | 'session' | 'venue';
  direction: Direction | null;
  rank: bigint | null;
  hwm: bigint | null;
  releaseAt: Date | null;
}

interface PositionChange {
  accountId: string;
  assetId: string;
  held: bigint;
  movements: Movement[];
}

/**
 * What a pass means for orders, book, money, shares, events and notifications, added up in memory.
 * The settlement decides, this records, `settlement-store` writes it.
 */
export class SettlementRecord {
  readonly changed = new Set<WorkingOrder>();
  /** Those among the changed whose quantity, trigger or successor changed as well. */
  readonly reshaped = new Set<WorkingOrder>();
  readonly trades: TradeRow[] = [];
  readonly postings: PostingRow[] = [];
  readonly events: EventDraft[] = [];
  readonly notifications = new Map<string, NotificationDraft>();
  readonly accounts = new Map<string, { cash: bigint; held: bigint }>();
  readonly positions = new Map<string, PositionChange>();
  readonly lastPrices = new Map<string, bigint>();
  readonly bookDeleted = new Set<string>();
  readonly bookReduced = new Map<string, RestingOrder>();
  readonly bookInserted = new Map<string, RestingOrder>();
  readonly parkedDeleted = new Set<string>();
  readonly parkedInserted = new Map<string, ParkedRow>();
  /** Where orders were stopped by a price band, by asset and edge. */
  readonly bandStops = new Map<string, { assetId: string; edge: Edge }>();

  /** @param tellsAcceptance whether an account's client is told that an order came to the market */
  constructor(private readonly tellsAcceptance: (accountId: string) => boolean) {}

  /** Notes a new version of the order and tells its account. */
  event(
    order: WorkingOrder,
    type: string,
    more: { fill?: EventDraft['fill']; reason?: string | null } = {},
  ): void {
    order.version += 1;
    this.changed.add(order);
    this.account(order.accountId); // its row gives the event its number
    this.events.push({
      accountId: order.accountId,
      type,
      orderId: order.id,
      status: order.status,
      version: order.version,
      filledQty: order.filledQty,
      filledValue: order.filledValue,
      fees: order.fees,
      ...(more.fill && { fill: more.fill }),
      reason: more.reason ?? null,
    });
    if (TOLD_EVENTS.has(type) || (type === 'new' && this.tellsAcceptance(order.accountId))) {
      this.tell(order);
    }
  }

  /** Notes that more than the progress of the order changed. */
  reshape(order: WorkingOrder): void {
    this.changed.add(order);
    this.reshaped.add(order);
  }

  /** Sets what the order holds, and with it what its account holds in all. */
  setHold(order: WorkingOrder, needed: bigint): void {
    const more = needed - order.hold;
    if (more === 0n) return;
    order.hold = needed;
    this.changed.add(order);
    if (order.side === 'buy') this.account(order.accountId).held += more;
    else this.position(order).held += more;
  }

  /** A trade with its fees, its postings and what it takes from the book. */
  trade(taker: WorkingOrder, maker: WorkingOrder, { maker: resting, price, qty }: Fill): TradeRow {
    const value = tradeValue(price, qty);
    const trade: TradeRow = {
      id: newId(),
      taker,
      maker,
      venueExecutionId: null,
      price,
      qty,
      value,
      takerFee: feeOn(value, taker.feeBps),
      makerFee: feeOn(value, maker.feeBps),
    };
    this.trades.push(trade);
    this.lastPrices.set(taker.assetId, price);
    this.reduceInBook(resting);
    this.post(trade);
    return trade;
  }

  /** A trade of ours with the external venue: there is nobody else's order, and no fee of theirs. */
  venueTrade(taker: WorkingOrder, { executionId, price, qty }: VenueFill): TradeRow {
    const value = tradeValue(price, qty);
    const trade: TradeRow = {
      id: newId(),
      taker,
      maker: null,
      venueExecutionId: executionId,
      price,
      qty,
      value,
      takerFee: feeOn(value, taker.feeBps),
      makerFee: 0n,
    };
    this.trades.push(trade);
    this.lastPrices.set(taker.assetId, price);
    this.post(trade);
    return trade;
  }

  /** One side of a trade: its order's progress, its account's money and shares, its event. */
  fill(order: WorkingOrder, trade: TradeRow, fee: bigint): void {
    const { qty, value, price } = trade;
    order.filledQty += qty;
    order.filledValue += value;
    order.fees += fee;
    order.status = order.filledQty === order.qty ? 'filled' : 'partially_filled';
    const bought = order.side === 'buy';
    this.account(order.accountId).cash += bought ? -(value + fee) : value - fee;
    const movement: Movement = { qty: bought ? qty : -qty, cost: bought ? value + fee : 0n };
    this.position(order).movements.push(movement);
    const type = order.status === 'filled' ? 'fill' : 'partial_fill';
    this.event(order, type, { fill: { executionId: trade.id, price, qty, fee, movement } });
    const told = this.tell(order);
    if (!told) return;
    told.executions += 1;
    told.qty += qty;
    told.value += value;
    told.fees += fee;
  }

  stopAtBand({ assetId, side }: WorkingOrder): void {
    const edge = edgeOf(side);
    this.bandStops.set(assetId + edge, { assetId, edge });
  }

  rest(resting: RestingOrder): void {
    this.bookInserted.set(resting.orderId, resting);
  }

  takeFromBook(orderId: string): void {
    this.bookReduced.delete(orderId);
    if (!this.bookInserted.delete(orderId)) this.bookDeleted.add(orderId);
  }

  park(row: ParkedRow): void {
    this.parkedInserted.set(row.order.id, row);
  }

  unpark(orderId: string): void {
    if (!this.parkedInserted.delete(orderId)) this.parkedDeleted.add(orderId);
  }

  private reduceInBook(resting: RestingOrder): void {
    const { orderId, remaining } = resting;
    if (remaining === 0n) this.takeFromBook(orderId);
    else if (!this.bookInserted.has(orderId)) this.bookReduced.set(orderId, resting);
  }

  private post({ id, taker, maker, qty, value, takerFee, makerFee }: TradeRow): void {
    const sides = [
      { accountId: taker.accountId, fee: takerFee },
      { accountId: maker?.accountId ?? VENUE_ACCOUNT, fee: makerFee },
    ] as const;
    const [buyer, seller] = taker.side === 'buy' ? sides : [sides[1], sides[0]];
    this.postings.push(...tradePostings({ id, assetId: taker.assetId, qty, value }, buyer, seller));
    const fees = takerFee + makerFee;
    if (fees > 0n) this.account(FEES_ACCOUNT).cash += fees;
  }

  /** The market maker is told of nothing; its many quotes need not reach the database for that. */
  private tell(order: WorkingOrder): NotificationDraft | undefined {
    if (order.accountId === MAKER_ACCOUNT) return undefined;
    let draft = this.notifications.get(order.id);
    if (!draft) {
      draft = { order, executions: 0, qty: 0n, value: 0n, fees: 0n };
      this.notifications.set(order.id, draft);
    }
    return draft;
  }

  private account(id: string): { cash: bigint; held: bigint } {
    let change = this.accounts.get(id);
    if (!change) this.accounts.set(id, (change = { cash: 0n, held: 0n }));
    return change;
  }

  private position({ accountId, assetId }: WorkingOrder): PositionChange {
    const key = accountId + assetId;
    let change = this.positions.get(key);
    if (!change)
      this.positions.set(key, (change = { accountId, assetId, held: 0n, movements: [] }));
    return change;
  }
}
