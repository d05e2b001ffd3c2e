import { costChange, type Holding } from './cost-basis.js';
import { tradeValue } from './money.js';

/** Kinds of money that moves without a trade. */
export const CASH_FLOWS = ['deposits', 'withdrawals', 'adjustments'] as const;
export type CashFlow = (typeof CASH_FLOWS)[number];

/** Something that was booked. Money in 10^-4 USD, quantities in 10^-9; what goes out is negative. */
export type DayMovement =
  | {
      kind: 'trade';
      assetId: string;
      side: 'buy' | 'sell';
      price: bigint;
      qty: bigint;
      fee: bigint;
    }
  | { kind: 'cash'; flow: CashFlow; amount: bigint }
  | { kind: 'shares'; assetId: string; qty: bigint; cost: bigint };

/** The sums of a day. Signed, so that they lead from the opening to the closing cash. */
export type DayTotals = Record<CashFlow | 'purchases' | 'sales' | 'fees', bigint>;

/**
 * One account through one day: begins with the closing balances of the day before, is told what was
 * booked in the order in which it was, and ends with the closing balances. Does to cash and holdings
 * what settlement does to accounts and positions.
 */
export class AccountDay {
  readonly totals: DayTotals = {
    deposits: 0n,
    withdrawals: 0n,
    adjustments: 0n,
    purchases: 0n,
    sales: 0n,
    fees: 0n,
  };
  trades = 0;

  /** @param holdings by asset id; changed in place */
  constructor(
    readonly openingCash: bigint,
    private readonly holdings: Map<string, Holding>,
  ) {}

  apply(movement: DayMovement): void {
    switch (movement.kind) {
      case 'cash':
        this.totals[movement.flow] += movement.amount;
        return;
      case 'shares': {
        const holding = this.holding(movement.assetId);
        holding.qty += movement.qty;
        holding.costBasis += movement.cost;
        return;
      }
      case 'trade':
        this.trade(movement);
    }
  }

  get closingCash(): bigint {
    return Object.values(this.totals).reduce((sum, amount) => sum + amount, this.openingCash);
  }

  /** What is there, or has a cost left that later trades will count with; by asset id. */
  get closingHoldings(): [assetId: string, Holding][] {
    return [...this.holdings]
      .filter(([, { qty, costBasis }]) => qty !== 0n || costBasis !== 0n)
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /**
   * What the holdings are worth, each rounded towards zero.
   * @param prices by asset id; what has none counts nothing
   */
  positionValue(prices: ReadonlyMap<string, bigint>): bigint {
    return [...this.holdings].reduce(
      (sum, [assetId, { qty }]) => sum + tradeValue(prices.get(assetId) ?? 0n, qty),
      0n,
    );
  }

  private trade({ assetId, side, price, qty, fee }: DayMovement & { kind: 'trade' }): void {
    const value = tradeValue(price, qty);
    const holding = this.holding(assetId);
    const movement = side === 'buy' ? { qty, cost: value + fee } : { qty: -qty, cost: 0n };
    this.trades += 1;
    this.totals.fees -= fee;
    if (side === 'buy') this.totals.purchases -= value;
    else this.totals.sales += value;
    // When two machines' clocks differ, a sale may fall before the close and its purchase after it.
    if (side === 'buy' || holding.qty > 0n) holding.costBasis += costChange(holding, movement);
    holding.qty += movement.qty;
    if (holding.qty <= 0n) holding.costBasis = 0n;
  }

  private holding(assetId: string): Holding {
    let holding = this.holdings.get(assetId);
    if (!holding) this.holdings.set(assetId, (holding = { qty: 0n, costBasis: 0n }));
    return holding;
  }
}
