import { expect } from 'chai';
import fc from 'fast-check';
import { applyDifference, bookDifference, type ShownBook } from '../../src/domain/book-diff.js';

const level = fc.record({ p: fc.integer({ min: 1, max: 30 }), s: fc.integer({ min: 1, max: 4 }) });
const side = fc.uniqueArray(level, { maxLength: 12, selector: ({ p }) => p });
const book: fc.Arbitrary<ShownBook> = fc.record({
  b: side.map((levels) => levels.sort((one, other) => other.p - one.p)),
  a: side.map((levels) => levels.sort((one, other) => one.p - other.p)),
});
const EMPTY: ShownBook = { b: [], a: [] };

describe('the difference of two books', () => {
  it('makes of the one the other, best level first', () => {
    fc.assert(
      fc.property(book, book, (from, to) => {
        expect(applyDifference(from, bookDifference(from, to))).to.deep.equal(to);
      }),
    );
  });

  it('is as long as what has changed, and empty when nothing has', () => {
    fc.assert(
      fc.property(book, book, (from, to) => {
        const { b, a } = bookDifference(from, to);
        for (const [changes, before, after] of [
          [b, from.b, to.b],
          [a, from.a, to.a],
        ] as const) {
          const sizes = new Map(before.map(({ p, s }) => [p, s]));
          const wanted = new Map(after.map(({ p, s }) => [p, s]));
          for (const { p, s } of changes) {
            expect(sizes.get(p) ?? 0).not.to.equal(s);
            expect(wanted.get(p) ?? 0).to.equal(s);
          }
          expect(new Set(changes.map(({ p }) => p)).size).to.equal(changes.length);
        }
        expect(bookDifference(from, from)).to.deep.equal(EMPTY);
      }),
    );
  });

  it('removes a level by the size 0', () => {
    const from = { b: [{ p: 99, s: 5 }], a: [{ p: 101, s: 2 }] };
    const to = { b: [], a: [{ p: 101, s: 1 }] };
    expect(bookDifference(from, to)).to.deep.equal({
      b: [{ p: 99, s: 0 }],
      a: [{ p: 101, s: 1 }],
    });
  });
});
