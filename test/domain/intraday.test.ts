import { expect } from 'chai';
import { intradayBasis } from '../../src/domain/intraday.js';
import { parseDecimal, PRICE_SCALE, QTY_SCALE } from '../../src/domain/money.js';

const usd = (text: string) => parseDecimal(text, PRICE_SCALE);
const shares = (text: string) => parseDecimal(text, QTY_SCALE);

describe("what a position's profit of the day is measured from", () => {
  const day = (qty: string, bought: string, cost: string, sold: string) =>
    intradayBasis({
      qty: shares(qty),
      bought: shares(bought),
      cost: usd(cost),
      sold: shares(sold),
      previousClose: usd('10'),
    });

  it('is the previous close for what was there then', () => {
    expect(day('5', '0', '0', '0')).to.equal(usd('50'));
  });

  it('is the cost for what was bought since', () => {
    expect(day('5', '5', '60', '0')).to.equal(usd('60'));
    expect(day('7', '5', '60', '0')).to.equal(usd('80'));
  });

  it('is less by what was sold, the oldest first', () => {
    expect(day('3', '0', '0', '2')).to.equal(usd('30'));
    expect(day('6', '5', '60', '4')).to.equal(usd('70')); // 5 of 9 were there, 4 of them are sold
    expect(day('4', '5', '60', '1')).to.equal(usd('48')); // none was there: a fifth of the cost is gone
    expect(day('2', '5', '60', '8')).to.equal(usd('24')); // 5 were there, all sold, and 3 more
  });

  it('does not divide by nothing when shares went out another way', () => {
    expect(day('2', '0', '0', '0')).to.equal(usd('20'));
    expect(intradayBasis({ qty: 1n, bought: 0n, cost: 0n, sold: 5n, previousClose: 0n })).to.equal(
      0n,
    );
  });
});
