import { disputedRoutes, oldestOpenRoute } from './metrics.js';
import { askVenue, type TellVenueDeps } from './tell-venue.js';

export interface LookAfterRoutesDeps extends TellVenueDeps {
  readonly now?: () => Date;
}

/** Pauses between asking the venue about a route, the last one again and again. */
const PAUSES_MS = [5_000, 15_000, 30_000];
const PAGE = 500;

const CLAIM_DUE = `
  update venue_routes r set asked = r.asked + 1,
    reconcile_at = :now::timestamptz + interval '1 ms' *
      (:pauses::int[])[least(r.asked + 1, cardinality(:pauses::int[]))]
  from (
    select id from venue_routes where status = 'open' and reconcile_at <= :now
    order by reconcile_at limit :page for update skip locked
  ) as due
  where r.id = due.id and r.status = 'open'
  returning r.id, r.good_until < :now as "isOverdue"`;

/**
 * The upkeep of what is at the external venue: tells and asks it again about what it has not answered
 * for, with growing pauses, and keeps the gauges. It knows each order by its route: told twice it trades
 * once. Safe to run at any time, by two workers at once.
 * @returns how many were asked about
 */
export async function lookAfterRoutes(deps: LookAfterRoutesDeps): Promise<number> {
  const { knex, log, now: clock = () => new Date() } = deps;
  const now = clock();
  const { rows: gauges } = await knex.raw<{
    rows: { oldestMs: number | null; disputed: bigint }[];
  }>(
    `select
       (select (extract(epoch from ?::timestamptz - min(created_at)) * 1000)::float8
        from venue_routes where status = 'open') as "oldestMs",
       (select count(*) from venue_routes where disputed) as disputed`,
    [now],
  );
  const { oldestMs, disputed } = gauges[0]!;
  oldestOpenRoute.set(Math.max(0, oldestMs ?? 0) / 1_000);
  disputedRoutes.set(Number(disputed));
  const { rows } = await knex.raw<{ rows: { id: string; isOverdue: boolean }[] }>(CLAIM_DUE, {
    now,
    pauses: PAUSES_MS,
    page: PAGE,
  } as never);
  if (rows.length === 0) return 0;
  await askVenue(
    deps,
    rows.map(({ id }) => id),
  );
  const overdue = rows.filter(({ isOverdue }) => isOverdue).map(({ id }) => id);
  if (overdue.length > 0) log.warn('the external venue does not answer', { routes: overdue });
  return rows.length;
}
