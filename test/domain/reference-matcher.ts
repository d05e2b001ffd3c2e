import type { CancelReason, IncomingOrder } from '../../src/domain/match.js';
import type { RestingOrder } from '../../src/domain/order-book.js';
import type { Step } from './order-flow.js';

/**
 * The same rules written once more, with nothing in common but the types: one flat list, sorted
 * anew at every step, and the whole outcome decided before anything changes. Slow and plain.
 */
export class ReferenceMatcher {
  private resting: RestingOrder[] = [];

  /** Takes a step and describes it as `describeResult` does. */
  take(step: Step): string {
    if (step.kind === 'place') return this.place(step.order);
    const found = this.resting.find(({ orderId }) => orderId === step.orderId);
    this.resting = this.resting.filter((order) => order !== found);
    return `cancel ${step.orderId}: ${found ? found.remaining : null}`;
  }

  /** The book as `describeBook` describes it. */
  book(): string[] {
    return [...this.queue('buy'), ...this.queue('sell')].map(
      (one) =>
        `${one.orderId} ${one.accountId} ${one.side} ${one.remaining}@${one.price} #${one.seq}`,
    );
  }

  private queue(side: 'buy' | 'sell'): RestingOrder[] {
    const direction = side === 'buy' ? -1 : 1;
    return this.resting
      .filter((order) => order.side === side)
      .sort((a, b) => direction * Number(a.price - b.price) || Number(a.seq - b.seq));
  }

  private place(order: IncomingOrder): string {
    const queue = this.queue(order.side === 'buy' ? 'sell' : 'buy').filter(({ price }) =>
      order.side === 'buy' ? price <= order.boundPrice : price >= order.boundPrice,
    );
    const ownAt = queue.findIndex(({ accountId }) => accountId === order.accountId);
    const makers = ownAt < 0 ? queue : queue.slice(0, ownAt);
    const offered = makers.reduce((sum, { remaining }) => sum + remaining, 0n);
    const traded = offered < order.qty ? offered : order.qty;
    const rest = order.qty - traded;
    if (order.timeInForce === 'fok' && rest > 0n) {
      return `${order.orderId} [] ${order.qty} canceled fok_not_filled`;
    }
    const trades = this.trade(makers, traded).join(', ');
    const [outcome, reason] = this.fate(order, rest, ownAt >= 0);
    if (outcome === 'resting') {
      this.resting.push({ ...order, price: order.boundPrice, remaining: rest });
    }
    return `${order.orderId} [${trades}] ${rest} ${outcome} ${reason}`;
  }

  private trade(makers: RestingOrder[], qty: bigint): string[] {
    const trades: string[] = [];
    for (const maker of makers) {
      if (qty === 0n) break;
      const part = maker.remaining < qty ? maker.remaining : qty;
      maker.remaining -= part;
      qty -= part;
      trades.push(`${maker.orderId} ${part}@${maker.price}`);
    }
    this.resting = this.resting.filter(({ remaining }) => remaining > 0n);
    return trades;
  }

  private fate(
    order: IncomingOrder,
    rest: bigint,
    ownInTheWay: boolean,
  ): [string, CancelReason | null] {
    if (rest === 0n) return ['filled', null];
    if (ownInTheWay) return ['canceled', 'self_trade'];
    if (order.type === 'market') return ['canceled', 'no_liquidity'];
    return order.timeInForce === 'ioc' ? ['canceled', 'ioc_rest'] : ['resting', null];
  }
}
