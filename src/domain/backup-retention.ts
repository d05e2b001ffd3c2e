/** How many backups are kept: the newest of each of the last days, weeks and months that have one. */
export interface Retention {
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
}

const DAY_MS = 86_400_000;
/** 1970-01-01 was a Thursday; weeks begin on Monday. */
const THURSDAY = 3;

const dayOf = (time: Date): number => Math.floor(time.getTime() / DAY_MS);
const weekOf = (time: Date): number => Math.floor((dayOf(time) + THURSDAY) / 7);
const monthOf = (time: Date): number => time.getUTCFullYear() * 12 + time.getUTCMonth();

/**
 * Which backups stay, in UTC. The newest one always does, and days without a backup do not count: a
 * schedule that stood still for a month must not cost what was made before.
 * @param times of the backups, in any order
 * @returns those to keep, newest first
 */
export function backupsToKeep(times: readonly Date[], retention: Retention): Date[] {
  const newestFirst = times.toSorted((a, b) => b.getTime() - a.getTime());
  const kept = new Set(newestFirst.slice(0, 1));
  const rules = [
    [retention.daily, dayOf],
    [retention.weekly, weekOf],
    [retention.monthly, monthOf],
  ] as const;
  for (const [limit, periodOf] of rules) {
    const periods = new Set<number>();
    for (const time of newestFirst) {
      if (periods.has(periodOf(time))) continue;
      if (periods.size === limit) break;
      periods.add(periodOf(time));
      kept.add(time);
    }
  }
  return newestFirst.filter((time) => kept.has(time));
}
