import { expect } from 'chai';
import fc from 'fast-check';
import {
  averagePrice,
  feeOn,
  formatDecimal,
  holdFor,
  MAX_UNITS,
  parseDecimal,
  PRICE_SCALE,
  QTY_SCALE,
  tradeValue,
} from '../../src/domain/money.js';

const usd = (text: string) => parseDecimal(text, PRICE_SCALE);
const shares = (text: string) => parseDecimal(text, QTY_SCALE);

const price = fc.bigInt({ min: 1n, max: 10n ** 12n });
const qty = fc.bigInt({ min: 1n, max: 10n ** 18n });
const feeBps = fc.integer({ min: 0, max: 1_000 });
const units = fc.bigInt({ min: -MAX_UNITS, max: MAX_UNITS });

describe('reading decimals', () => {
  for (const [input, scale, expected] of [
    ['150', 4, 1_500_000n],
    ['150.25', 4, 1_502_500n],
    ['0.0001', 4, 1n],
    ['-0.5', 4, -5_000n],
    ['0', 4, 0n],
    ['-0', 4, 0n],
    ['-0.0000', 4, 0n],
    ['007', 4, 70_000n],
    ['1.000000000', 9, 1_000_000_000n],
    ['922337203685477.5807', 4, MAX_UNITS],
    ['-922337203685477.5807', 4, -MAX_UNITS],
    [150.25, 4, 1_502_500n],
    [-0, 4, 0n],
    [1e-7, 9, 100n],
    [1.5e-7, 9, 150n],
    [-2e-9, 9, -2n],
    [123_456_789.012345, 9, 123_456_789_012_345_000n],
  ] as const) {
    const shown = Object.is(input, -0) ? '-0' : JSON.stringify(input);
    it(`reads ${shown} as ${expected} units of 10^-${scale}`, () => {
      expect(parseDecimal(input, scale)).to.equal(expected);
    });
  }

  const tooLong = `0.${'1'.repeat(40)}`;
  for (const [input, reason] of [
    ['', 'plain decimal'],
    [' 1', 'plain decimal'],
    ['1 ', 'plain decimal'],
    ['1\n', 'plain decimal'],
    ['+1', 'plain decimal'],
    ['--1', 'plain decimal'],
    ['-', 'plain decimal'],
    ['.5', 'plain decimal'],
    ['5.', 'plain decimal'],
    ['.', 'plain decimal'],
    ['1.2.3', 'plain decimal'],
    ['1,000', 'plain decimal'],
    ['1_000', 'plain decimal'],
    ['1e5', 'plain decimal'],
    ['1E5', 'plain decimal'],
    ['0x10', 'plain decimal'],
    ['0b1', 'plain decimal'],
    ['10n', 'plain decimal'],
    ['NaN', 'plain decimal'],
    ['Infinity', 'plain decimal'],
    ['null', 'plain decimal'],
    ['١٢', 'plain decimal'],
    ['1\u0000', 'plain decimal'],
    ['0.00001', 'at most 4 digits after the point; it has 5'],
    ['1.00000', 'at most 4 digits after the point; it has 5'],
    [tooLong, 'at most 4 digits after the point; it has 40'],
    ['922337203685477.5808', 'at most 922337203685477.5807'],
    ['-922337203685477.5808', 'at most 922337203685477.5807'],
    [(2n ** 63n).toString(), 'at most 922337203685477.5807'],
    ['9'.repeat(65), 'at most 64 characters'],
    ['1'.repeat(1_000_000), 'at most 64 characters'],
    [NaN, 'a finite number; it is NaN'],
    [Infinity, 'a finite number; it is Infinity'],
    [-Infinity, 'a finite number; it is -Infinity'],
    [0.1 + 0.2, 'as a string'],
    [12345678.123456789, 'as a string'],
    [Number.MAX_SAFE_INTEGER, 'as a string'],
    [1e-5, 'at most 4 digits'],
    [5e-324, 'at most 64 characters'],
    [1e21, 'at most 922337203685477.5807'],
    [1.5e300, 'at most 64 characters'],
  ] as const) {
    const shown = typeof input === 'number' ? `the number ${input}` : JSON.stringify(input);
    it(`refuses ${shown.length > 50 ? `${shown.slice(0, 50)}...` : shown}: ${reason}`, () => {
      expect(() => parseDecimal(input, PRICE_SCALE)).to.throw(RangeError, reason);
    });
  }

  it('reads back whatever was written', () => {
    fc.assert(
      fc.property(units, fc.integer({ min: 0, max: 12 }), (amount, scale) => {
        expect(parseDecimal(formatDecimal(amount, scale), scale)).to.equal(amount);
      }),
    );
  });

  it('reads any number of up to 15 digits as the text that it was', () => {
    fc.assert(
      fc.property(fc.nat(999_999), fc.nat(999_999_999), (whole, fraction) => {
        const text = `${whole}.${String(fraction).padStart(9, '0')}`;
        expect(parseDecimal(Number(text), QTY_SCALE)).to.equal(shares(text));
      }),
    );
  });

  it('either reads a number exactly or refuses it', () => {
    fc.assert(
      fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (number) => {
        let read: bigint;
        try {
          read = parseDecimal(number, QTY_SCALE);
        } catch (error) {
          expect(error).to.be.instanceOf(RangeError);
          return;
        }
        expect(Number(formatDecimal(read, QTY_SCALE)) === number).to.equal(true);
      }),
    );
  });

  it('never throws anything but a RangeError, whatever the text', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[-+.0-9eExn_, ]{0,30}$/));
    fc.assert(
      fc.property(text, (input) => {
        try {
          const read = parseDecimal(input, PRICE_SCALE);
          expect(Number(input)).to.be.closeTo(Number(formatDecimal(read, PRICE_SCALE)), 1e-4);
        } catch (error) {
          expect(error).to.be.instanceOf(RangeError);
        }
      }),
    );
  });
});

describe('writing decimals', () => {
  for (const [amount, scale, expected] of [
    [1_500_000n, 4, '150'],
    [1_502_500n, 4, '150.25'],
    [-5_000n, 4, '-0.5'],
    [0n, 4, '0'],
    [1n, 9, '0.000000001'],
    [-1n, 4, '-0.0001'],
    [100n, 0, '100'],
    [MAX_UNITS, 4, '922337203685477.5807'],
  ] as const) {
    it(`writes ${amount} units of 10^-${scale} as ${expected}`, () => {
      expect(formatDecimal(amount, scale)).to.equal(expected);
    });
  }

  it('writes no trailing zero, no bare point and no minus zero', () => {
    fc.assert(
      fc.property(units, (amount) => {
        expect(formatDecimal(amount, 9)).to.match(/^(0|-?[1-9]\d*|-?\d+\.\d*[1-9])$/);
      }),
    );
  });
});

describe('the money of a trade', () => {
  it('rounds a trade value down, to the benefit of neither: both sides book the same', () => {
    expect(tradeValue(usd('150.25'), shares('2'))).to.equal(usd('300.5'));
    expect(tradeValue(usd('0.0001'), shares('1.9'))).to.equal(1n);
    expect(tradeValue(usd('0.0001'), shares('0.9'))).to.equal(0n);
  });

  it('rounds a fee down', () => {
    expect(feeOn(usd('100'), 25)).to.equal(usd('0.25'));
    expect(feeOn(399n, 25)).to.equal(0n);
    expect(feeOn(400n, 25)).to.equal(1n);
    expect(feeOn(usd('100'), 0)).to.equal(0n);
  });

  it('holds a price, a quantity and the fee, rounded up', () => {
    expect(holdFor(usd('150'), shares('2'), 0)).to.equal(usd('300'));
    expect(holdFor(usd('150'), shares('2'), 25)).to.equal(usd('300.75'));
    expect(holdFor(1n, 1n, 0)).to.equal(1n);
    expect(holdFor(1n, 1n, 25)).to.equal(1n);
    expect(holdFor(usd('150'), 0n, 25)).to.equal(0n);
  });

  it('releases with any fill at or below the price at least what the fill costs', () => {
    fc.assert(
      fc.property(price, qty, qty, price, feeBps, (bound, a, b, cheaper, bps) => {
        const [part, whole] = a < b ? [a, b] : [b, a];
        const fillPrice = cheaper < bound ? cheaper : bound;
        const released = holdFor(bound, whole, bps) - holdFor(bound, whole - part, bps);
        const value = tradeValue(fillPrice, part);
        expect(released >= value + feeOn(value, bps)).to.equal(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('pays for any series of fills out of the first hold', () => {
    const parts = fc.array(fc.bigInt({ min: 1n, max: 10n ** 12n }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(price, parts, feeBps, (bound, fills, bps) => {
        const whole = fills.reduce((sum, part) => sum + part, 0n);
        let left = holdFor(bound, whole, bps);
        for (const part of fills) {
          const value = tradeValue(bound, part);
          left -= value + feeOn(value, bps);
        }
        expect(left >= 0n).to.equal(true);
        expect(left <= BigInt(2 * fills.length + 1), 'rounding only').to.equal(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('holds no more than one unit above the exact amount', () => {
    fc.assert(
      fc.property(price, qty, feeBps, (bound, amount, bps) => {
        const exact = bound * amount * BigInt(10_000 + bps);
        const held = holdFor(bound, amount, bps) * 10n ** 13n;
        expect(held >= exact && held < exact + 10n ** 13n).to.equal(true);
      }),
    );
  });
});

describe('the average price', () => {
  for (const [value, amount, expected] of [
    ['300.5', '2', '150.25'],
    ['100', '3', '33.333333'],
    ['200', '3', '66.666667'],
    ['0.0001', '64', '0.000002'], // 0.0000015625
    ['0.0001', '200', '0.000001'], // 0.0000005: half goes up
    ['0.0001', '201', '0'],
    ['0', '5', '0'],
  ] as const) {
    it(`of ${amount} for ${value} is ${expected}`, () => {
      expect(averagePrice(usd(value), shares(amount))).to.equal(expected);
    });
  }

  it('of a trade is its price, but for the rounding of its value', () => {
    const wholeShares = fc.bigInt({ min: 1n, max: 10n ** 6n }).map((n) => n * 10n ** 9n);
    fc.assert(
      fc.property(price, wholeShares, (paid, amount) => {
        const average = averagePrice(tradeValue(paid, amount), amount);
        expect(average).to.equal(formatDecimal(paid, PRICE_SCALE));
      }),
    );
  });
});
