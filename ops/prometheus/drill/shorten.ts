const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
/** A rate needs a few scrapes in its window. */
const WINDOW_MIN_MS = 12_000;

/** An age that only time can make: nobody can open a transaction in the past. */
const LIMIT_OF_AGE = /(\bbrokerx_postgres_oldest_transaction_seconds\)? > )(\d+)/g;

/**
 * The same rules with every `for`, window, step and offset divided by a factor, and the age of a
 * transaction. What else an alert compares (how old, how many, which share) stays as it is.
 */
export function shorten(rules: string, factor: number): string {
  const divide = (duration: string, minMs: number): string => {
    const [, count = '', unit = ''] = /^(\d+)(ms|s|m|h|d)$/.exec(duration) ?? [];
    return `${Math.max(minMs, Math.round((Number(count) * UNITS[unit]!) / factor))}ms`;
  };
  return rules
    .replace(
      /^( +for: )(\w+)$/gm,
      (_all, start: string, time: string) => start + divide(time, 1_000),
    )
    .replace(/\[(\w+)(?::(\w*))?\]/g, (all, window: string, step: string | undefined) => {
      const range = divide(window, WINDOW_MIN_MS);
      if (!all.includes(':')) return `[${range}]`;
      return `[${range}:${step ? divide(step, 1_000) : ''}]`;
    })
    .replace(/\boffset (\w+)/g, (_all, time: string) => `offset ${divide(time, 1_000)}`)
    .replace(
      LIMIT_OF_AGE,
      (_all, start: string, limit: string) => `${start}${Number(limit) / factor}`,
    );
}
