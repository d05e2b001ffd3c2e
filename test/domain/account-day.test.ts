import { expect } from 'chai';
import fc from 'fast-check';
import { AccountDay, type DayMovement } from '../../src/domain/account-day.js';
import type { Holding } from '../../src/domain/cost-basis.js';

const ONE = 1_000_000_000n;
const trade = (side: 'buy' | 'sell', qty: bigint, price: bigint, fee = 0n): DayMovement => ({
  kind: 'trade',
  assetId: 'apple',
  side,
  price,
  qty,
  fee,
});

describe("an account's day", () => {
  const day = (movements: DayMovement[], holdings: [string, Holding][] = [], cash = 0n) => {
    const account = new AccountDay(cash, new Map(holdings));
    for (const movement of movements) account.apply(movement);
    return account;
  };

  it('leads from the opening to the closing cash by its totals, whatever happens', () => {
    const amount = fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n });
    const above = fc.bigInt({ min: 1n, max: 10n ** 12n });
    const movement: fc.Arbitrary<DayMovement> = fc.oneof(
      fc
        .tuple(fc.constantFrom('buy' as const, 'sell' as const), above, above, above)
        .map(([side, qty, price, fee]) => trade(side, qty, price, fee)),
      fc
        .tuple(fc.constantFrom('deposits', 'withdrawals', 'adjustments'), amount)
        .map(([flow, of]): DayMovement => ({ kind: 'cash', flow: flow as 'deposits', amount: of })),
      fc
        .tuple(amount, above)
        .map(([qty, cost]): DayMovement => ({ kind: 'shares', assetId: 'apple', qty, cost })),
    );
    fc.assert(
      fc.property(amount, fc.array(movement), (cash, movements) => {
        const account = day(movements, [], cash);
        const { totals, closingCash } = account;
        const sum = Object.values(totals).reduce((all, one) => all + one, cash);
        return closingCash === sum && totals.purchases <= 0n && totals.sales >= 0n;
      }),
    );
  });

  it('takes the average cost along with a sale, and all of it with the last share', () => {
    const bought = [trade('buy', 2n * ONE, 100n, 1n), trade('buy', ONE, 130n, 1n)];
    const part = day([...bought, trade('sell', ONE, 500n, 1n)]);
    expect(part.closingHoldings).to.deep.equal([['apple', { qty: 2n * ONE, costBasis: 222n }]]);
    expect(day([...bought, trade('sell', 3n * ONE, 500n)]).closingHoldings).to.deep.equal([]);
  });

  it('does not mind a sale that comes before its purchase, as two clocks may have it', () => {
    const account = day([trade('sell', ONE, 100n), trade('buy', ONE, 90n)]);
    expect(account.closingHoldings).to.deep.equal([]);
    expect(account.closingCash).to.equal(10n);
  });

  it('keeps a cost that is left where nothing is, for later trades count with it', () => {
    const moved: DayMovement = { kind: 'shares', assetId: 'apple', qty: -ONE, cost: 0n };
    const account = day([moved], [['apple', { qty: ONE, costBasis: 100n }]]);
    expect(account.closingHoldings).to.deep.equal([['apple', { qty: 0n, costBasis: 100n }]]);
  });

  it('values holdings at the prices that there are', () => {
    const account = day([trade('buy', 3n * ONE, 100n)], [['pear', { qty: ONE, costBasis: 5n }]]);
    expect(account.positionValue(new Map([['apple', 110n]]))).to.equal(330n);
  });
});
