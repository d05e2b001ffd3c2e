import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { QTY_SCALE } from '../domain/money.js';
import { DomainError, invalid } from '../errors.js';
import type { Intake } from '../orders/intake.js';
import { listOrders, type OrderView } from '../orders/model.js';
import type { PlaceOrder } from '../orders/new-order.js';
import type { PositionView } from './position-model.js';

/** How much of a position to close: all of it unless one of these is said. */
export interface ClosingShare {
  /** In 10^-9 units. */
  readonly qty?: bigint | undefined;
  /** In 10^-9 percent, up to 100. */
  readonly percentage?: bigint | undefined;
}

export interface CloseOutcome {
  readonly symbol: string;
  readonly result: OrderView | DomainError;
}

const ONE = 10n ** BigInt(QTY_SCALE);
/** Of a percentage, as close-schema reads it. */
export const PERCENT_SCALE = 9;
const ALL = 100n * 10n ** BigInt(PERCENT_SCALE);

/** Cancelled orders release what they held when a worker gets to them: usually within 50 ms. */
const RELEASE_TIMEOUT_MS = 2_000;
const RELEASE_CHECK_MS = 25;

/** Closes positions with market orders. Everything that binds an order binds these, too. */
export class PositionCloser {
  constructor(private readonly deps: { knex: Knex; intake: Pick<Intake, 'place' | 'cancelAll'> }) {}

  /**
   * Sells a position or a part of it.
   * @returns the order; it is durable, and executed a moment later
   * @throws DomainError 403 when open orders hold what is to be sold; 422 when nothing would be sold
   */
  async close(accountId: string, position: PositionView, share: ClosingShare): Promise<OrderView> {
    const qty = closingQty(position, share);
    const { order } = await this.deps.intake.place(closingOrder(accountId, position, qty));
    return order;
  }

  /** Closes each of these positions, with an outcome of its own: one does not keep another. */
  closeAll(accountId: string, positions: readonly PositionView[]): Promise<CloseOutcome[]> {
    return Promise.all(
      positions.map(async (position) => {
        const { symbol } = position;
        try {
          return { symbol, result: await this.close(accountId, position, {}) };
        } catch (error) {
          if (error instanceof DomainError) return { symbol, result: error };
          throw error;
        }
      }),
    );
  }

  /** Cancels all open orders and waits, two seconds at most, until none is left. */
  async cancelOrders(accountId: string): Promise<void> {
    const { knex, intake } = this.deps;
    await intake.cancelAll(accountId);
    const deadline = Date.now() + RELEASE_TIMEOUT_MS;
    const anyOpen = { status: 'open', limit: 1, direction: 'desc' } as const;
    while ((await listOrders(knex, accountId, anyOpen)).length > 0 && Date.now() < deadline) {
      await sleep(RELEASE_CHECK_MS);
    }
  }
}

/**
 * A percentage is rounded down to what can be traded: to whole shares when the position is of whole
 * shares (fractions are sold only of a position that has some), otherwise to the asset's increment.
 * @throws DomainError 422 when nothing is left
 */
export function closingQty(
  { symbol, qty, assetClass, minTradeIncrement }: PositionView,
  { qty: wanted, percentage }: ClosingShare,
): bigint {
  if (wanted !== undefined) return wanted;
  if (percentage === undefined || percentage === ALL) return qty;
  const isWhole = assetClass === 'us_equity' && qty % ONE === 0n;
  const increment = isWhole ? ONE : minTradeIncrement;
  const part = (qty * percentage) / ALL;
  const rounded = part - (part % increment);
  if (rounded > 0n) return rounded;
  throw invalid(`percentage is too small: less than the smallest quantity of ${symbol} to trade`, {
    errors: [{ field: 'percentage', message: 'is too small' }],
  });
}

/** The market order that sells a position; day orders are for shares, good-till-canceled for coins. */
const closingOrder = (
  accountId: string,
  { symbol, assetClass }: PositionView,
  qty: bigint,
): PlaceOrder => ({
  accountId,
  symbol,
  side: 'sell',
  type: 'market',
  timeInForce: assetClass === 'crypto' ? 'gtc' : 'day',
  qty,
  limitPrice: null,
  extendedHours: false,
  clientOrderId: null,
  idempotency: null,
});
