/**
 * One price of a published book. These are the numbers that clients see, short names and all: here they
 * are only compared, never computed with.
 */
export interface ShownLevel {
  readonly p: number;
  /** The size; in a difference 0 removes the level. */
  readonly s: number;
}

/** Both sides, best level first. */
export interface ShownBook {
  readonly b: readonly ShownLevel[];
  readonly a: readonly ShownLevel[];
}

/** What makes of one book the other: new sizes, and 0 for the levels that are gone. */
export const bookDifference = (from: ShownBook, to: ShownBook): ShownBook => ({
  b: sideDifference(from.b, to.b),
  a: sideDifference(from.a, to.a),
});

/** The book after a difference. */
export const applyDifference = (book: ShownBook, difference: ShownBook): ShownBook => ({
  b: applyToSide(book.b, difference.b, (one, other) => other.p - one.p),
  a: applyToSide(book.a, difference.a, (one, other) => one.p - other.p),
});

function sideDifference(from: readonly ShownLevel[], to: readonly ShownLevel[]): ShownLevel[] {
  const gone = new Map(from.map(({ p, s }) => [p, s]));
  const changed = to.filter(({ p, s }) => gone.get(p) !== s);
  for (const { p } of to) gone.delete(p);
  return [...changed, ...[...gone.keys()].map((p) => ({ p, s: 0 }))];
}

function applyToSide(
  levels: readonly ShownLevel[],
  changes: readonly ShownLevel[],
  byPriority: (one: ShownLevel, other: ShownLevel) => number,
): readonly ShownLevel[] {
  if (changes.length === 0) return levels;
  const sizes = new Map(levels.map(({ p, s }) => [p, s]));
  for (const { p, s } of changes) {
    if (s === 0) sizes.delete(p);
    else sizes.set(p, s);
  }
  return [...sizes].map(([p, s]) => ({ p, s })).sort(byPriority);
}
