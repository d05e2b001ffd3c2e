import { expect } from 'chai';
import fc from 'fast-check';
import {
  loosened,
  NOTHING_SAID,
  type LimitName,
  type LimitValues,
} from '../../src/domain/limit-changes.js';

/** The house's limits in these tests. */
const HOUSE: LimitValues = {
  max_order_qty: 100n,
  max_order_notional: 1_000n,
  collar_bps: 500,
  max_open_exposure: null,
  duplicate_window_ms: 100,
  max_orders_per_second: 0,
};

/** Wider than the house's: without them less would be allowed. */
const WIDE: LimitValues = {
  max_order_qty: 200n,
  max_order_notional: 2_000n,
  collar_bps: 1_000,
  max_open_exposure: 1n,
  duplicate_window_ms: 0,
  max_orders_per_second: 0,
};

const row = (values: Partial<LimitValues>): LimitValues => ({ ...NOTHING_SAID, ...values });
const change = (
  before: Partial<LimitValues> | undefined,
  after: Partial<LimitValues> | undefined,
): LimitName[] => loosened(before && row(before), after && row(after), HOUSE);

describe('a change of limits', () => {
  it('loosens what gets higher, and only that', () => {
    for (const name of ['max_order_qty', 'max_order_notional', 'max_open_exposure'] as const) {
      expect(change({ [name]: 10n }, { [name]: 11n }), name).to.deep.equal([name]);
      expect(change({ [name]: 10n }, { [name]: 10n }), name).to.deep.equal([]);
      expect(change({ [name]: 10n }, { [name]: 9n }), name).to.deep.equal([]);
    }
    expect(change({ collar_bps: 10 }, { collar_bps: 11 })).to.deep.equal(['collar_bps']);
    expect(change({ collar_bps: 10 }, { collar_bps: 9 })).to.deep.equal([]);
    const mixed = { collar_bps: 1, max_order_qty: 3n };
    expect(change({ collar_bps: 2, max_order_qty: 2n }, mixed)).to.deep.equal(['max_order_qty']);
  });

  it('loosens a duplicate window that gets shorter', () => {
    const window = (ms: number) => ({ duplicate_window_ms: ms });
    expect(change(window(500), window(499))).to.deep.equal(['duplicate_window_ms']);
    expect(change(window(500), window(0))).to.deep.equal(['duplicate_window_ms']);
    expect(change(window(500), window(501))).to.deep.equal([]);
  });

  it('loosens a rate that gets higher, of which 0 is the highest', () => {
    const rate = (perSecond: number) => ({ max_orders_per_second: perSecond });
    expect(change(rate(5), rate(6))).to.deep.equal(['max_orders_per_second']);
    expect(change(rate(5), rate(0))).to.deep.equal(['max_orders_per_second']);
    expect(change(rate(0), rate(5))).to.deep.equal([]);
    expect(change(rate(0), rate(0))).to.deep.equal([]);
  });

  it('loosens what is taken away or deleted, whatever the house says', () => {
    for (const [name, value] of Object.entries(WIDE)) {
      const before = { [name]: value };
      expect(change(before, {}), name).to.deep.equal([name]);
      expect(change(before, undefined), name).to.deep.equal([name]);
    }
    expect(change({}, undefined)).to.deep.equal([]);
  });

  it('loosens a new value that is wider than what held without it, for it comes instead', () => {
    expect(change(undefined, { max_order_qty: 101n })).to.deep.equal(['max_order_qty']);
    expect(change(undefined, { max_order_qty: 100n, collar_bps: 500 })).to.deep.equal([]);
    expect(change({ collar_bps: 1 }, { collar_bps: 1, max_order_qty: 101n })).to.deep.equal([
      'max_order_qty',
    ]);
    expect(change(undefined, { duplicate_window_ms: 99 })).to.deep.equal(['duplicate_window_ms']);
    expect(change(undefined, { duplicate_window_ms: 100 })).to.deep.equal([]);
  });

  it('only tightens with a first value where nothing was limited', () => {
    expect(change(undefined, { max_open_exposure: 10n ** 15n })).to.deep.equal([]);
    expect(change(undefined, { max_orders_per_second: 100_000 })).to.deep.equal([]);
  });

  it('to the same loosens nothing, and back and forth loosens something once', () => {
    const bigints = fc.option(fc.bigInt({ min: 1n, max: 5n }));
    const numbers = fc.option(fc.integer({ min: 1, max: 5 }));
    const values = fc.record<LimitValues>({
      max_order_qty: bigints,
      max_order_notional: bigints,
      collar_bps: numbers,
      max_open_exposure: bigints,
      duplicate_window_ms: numbers,
      max_orders_per_second: numbers,
    });
    fc.assert(
      fc.property(values, values, values, (one, other, house) => {
        expect(loosened(one, one, house)).to.deep.equal([]);
        const there = loosened(one, other, house);
        const back = loosened(other, one, house);
        for (const name of Object.keys(NOTHING_SAID) as LimitName[]) {
          if (one[name] === other[name]) expect([...there, ...back]).not.to.include(name);
          else if (one[name] !== null && other[name] !== null) {
            expect(there.includes(name), name).not.to.equal(back.includes(name));
          }
        }
      }),
    );
  });
});
