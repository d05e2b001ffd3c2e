interface Planned {
  readonly at: number;
  /** What was planned first for a time happens first. */
  readonly place: number;
  readonly act: () => void;
}

/** What is to happen, in the order of time: a heap whose first entry is next. */
export class Plan {
  private readonly entries: Planned[] = [];
  private count = 0;

  add(at: number, act: () => void): void {
    this.entries.push({ at, place: (this.count += 1), act });
    for (let index = this.entries.length - 1; index > 0;) {
      const parent = (index - 1) >>> 1;
      if (!this.isBefore(index, parent)) return;
      this.swap(index, parent);
      index = parent;
    }
  }

  takeFirst(): Planned | undefined {
    const [first] = this.entries;
    const last = this.entries.pop();
    if (last === undefined || this.entries.length === 0) return first;
    this.entries[0] = last;
    for (let index = 0; ;) {
      const children = [2 * index + 1, 2 * index + 2].filter((n) => n < this.entries.length);
      const next = children.reduce((low, n) => (this.isBefore(n, low) ? n : low), index);
      if (next === index) return first;
      this.swap(next, index);
      index = next;
    }
  }

  private isBefore(one: number, other: number): boolean {
    const [a, b] = [this.entries[one]!, this.entries[other]!];
    return a.at === b.at ? a.place < b.place : a.at < b.at;
  }

  private swap(one: number, other: number): void {
    [this.entries[one], this.entries[other]] = [this.entries[other]!, this.entries[one]!];
  }
}
