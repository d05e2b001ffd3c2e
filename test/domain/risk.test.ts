import { expect } from 'chai';
import fc from 'fast-check';
import { parseDecimal, PRICE_SCALE, QTY_SCALE } from '../../src/domain/money.js';
import { Funds } from '../../src/domain/risk.js';

const usd = (text: string) => parseDecimal(text, PRICE_SCALE);
const shares = (text: string) => parseDecimal(text, QTY_SCALE);

const funds = () =>
  new Funds(
    [{ id: 'ada', cash: usd('1000'), cashHeld: usd('400') }],
    [{ accountId: 'ada', assetId: 'aapl', qty: shares('10'), held: shares('3') }],
  );

describe('what a batch of orders may hold', () => {
  it('lets buy orders hold cash until there is no more, and says what is left', () => {
    const batch = funds();

    expect(batch.reserveCash('ada', usd('500'))).to.equal(null);
    expect(batch.reserveCash('ada', usd('100.0001'))).to.deep.equal({
      buying_power: '100',
      cost_basis: '100.0001',
    });
    expect(batch.reserveCash('ada', usd('100'))).to.equal(null);
    expect(batch.reserveCash('ada', 1n)).to.deep.equal({ buying_power: '0', cost_basis: '0.0001' });
    expect(batch.cashReserved('ada')).to.equal(usd('600'));
  });

  it('lets sell orders hold shares until there are no more, and says where they are', () => {
    const batch = funds();

    expect(batch.reserveQty('ada', 'aapl', 'AAPL', shares('5'))).to.equal(null);
    expect(batch.reserveQty('ada', 'aapl', 'AAPL', shares('2.5'))).to.deep.equal({
      symbol: 'AAPL',
      available: '2',
      existing_qty: '10',
      held_for_orders: '8',
    });
    expect(batch.reserveQty('ada', 'aapl', 'AAPL', shares('2'))).to.equal(null);
    expect(batch.qtyReserved()).to.deep.equal([
      { accountId: 'ada', assetId: 'aapl', qty: shares('7') },
    ]);
  });

  it('has nothing for an account or a position that is not there: no short sales', () => {
    const batch = funds();

    expect(batch.reserveCash('bob', 1n)).to.deep.equal({ buying_power: '0', cost_basis: '0.0001' });
    expect(batch.reserveQty('ada', 'msft', 'MSFT', 1n)).to.deep.equal({
      symbol: 'MSFT',
      available: '0',
      existing_qty: '0',
      held_for_orders: '0',
    });
    expect(batch.reserveQty('bob', 'aapl', 'AAPL', 1n)).to.include({ available: '0' });
    expect(batch.cashReserved('bob')).to.equal(0n);
    expect(batch.qtyReserved()).to.deep.equal([]);
  });

  it('never holds more than there is, and never refuses what there is, in any batch', () => {
    const request = fc.record({
      account: fc.constantFrom('ada', 'bob'),
      sells: fc.boolean(),
      amount: fc.bigInt({ min: 1n, max: 40n }),
    });
    fc.assert(
      fc.property(fc.array(request), fc.bigInt({ min: 0n, max: 100n }), (requests, held) => {
        const ids = ['ada', 'bob'];
        const batch = new Funds(
          ids.map((id) => ({ id, cash: 100n, cashHeld: held })),
          ids.map((accountId) => ({ accountId, assetId: 'x', qty: 100n, held })),
        );
        const left = new Map<string, bigint>();
        for (const { account, sells, amount } of requests) {
          const refusal = sells
            ? batch.reserveQty(account, 'x', 'X', amount)
            : batch.reserveCash(account, amount);
          const key = `${account} ${sells}`;
          const before = left.get(key) ?? 100n - held;
          expect(refusal === null).to.equal(amount <= before);
          if (!refusal) left.set(key, before - amount);
        }
        for (const id of ids) {
          const reserved = batch.cashReserved(id);
          expect(reserved).to.equal(100n - held - (left.get(`${id} false`) ?? 100n - held));
          const qty = batch.qtyReserved().find(({ accountId }) => accountId === id)?.qty ?? 0n;
          expect(qty).to.equal(100n - held - (left.get(`${id} true`) ?? 100n - held));
        }
      }),
    );
  });
});
