import type { OrderProgress, OrderTerms } from './model.js';

/** An order while a pass works on it: read once, changed in memory, written once. */
export type WorkingOrder = Pick<
  OrderTerms,
  | 'id'
  | 'accountId'
  | 'assetId'
  | 'shard'
  | 'side'
  | 'type'
  | 'timeInForce'
  | 'notional'
  | 'limitPrice'
  | 'stopPrice'
  | 'trailPrice'
  | 'trailPercent'
  | 'orderClass'
  | 'leg'
  | 'groupId'
  | 'boundPrice'
  | 'feeBps'
  | 'createdAt'
> &
  Pick<
    OrderProgress,
    | 'status'
    | 'qty'
    | 'filledQty'
    | 'filledValue'
    | 'fees'
    | 'hold'
    | 'reason'
    | 'version'
    | 'replacedBy'
    | 'triggeredAt'
    | 'hwm'
  > & {
    /** While the rest is at the external venue: its route there. */
    routeId: string | null;
  };

/** `venue`: the external venue has said something about the order. */
export type WorkKind = 'place' | 'cancel' | 'replace' | 'expire' | 'release' | 'venue';

/** One thing to do, in the sequence of its shard. */
export interface WorkItem {
  seq: bigint;
  shard: number;
  kind: WorkKind;
  waitingSince: Date;
  /** How often it has failed. */
  attempts: number;
  /** Why it is to be cancelled, when not because its client asked. */
  cause: string | null;
  /** For a replacement: the order that takes the place of `order`. */
  newOrderId: string | null;
  /** For a replacement: its whole quantity, what the old order has filled included. */
  totalQty: bigint | null;
  /** For a replacement: the version that the client had in mind. */
  ifVersion: number | null;
  order: WorkingOrder;
}

const CLOSED = new Set<string>(['filled', 'canceled', 'expired', 'replaced', 'rejected']);
const STOPS = new Set<string>(['stop', 'stop_limit', 'trailing_stop']);

export const isClosed = (status: string): boolean => CLOSED.has(status);

export const isOpen = ({ status }: Pick<WorkingOrder, 'status'>): boolean => !CLOSED.has(status);

/** A stop that has not been reached. */
export const isUntriggered = ({
  type,
  triggeredAt,
}: Pick<WorkingOrder, 'type' | 'triggeredAt'>): boolean => STOPS.has(type) && triggeredAt === null;

/** Open, and not in the book: it waits for a trigger, for its entry or for a session. */
export const isParked = (order: WorkingOrder): boolean =>
  order.status === 'accepted' || order.status === 'held' || isUntriggered(order);

/** What is left to trade, in 10^-9 units. */
export const restOf = ({ qty, filledQty }: WorkingOrder): bigint => qty - filledQty;
