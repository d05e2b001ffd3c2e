import type { Knex } from 'knex';
import type { TradingDay } from '../domain/calendar.js';
import type { Holding } from '../domain/cost-basis.js';
import { dateText } from '../http/calendar-date.js';

/** Where an account's day begins: its statement of the day before, or nothing. */
export interface OpeningBalance {
  readonly accountId: string;
  /** When that statement closed; null without one. */
  readonly since: Date | null;
  readonly cash: bigint;
  readonly holdings: Map<string, Holding>;
  /** The account's events that may belong to the day; `endEvent` does not. */
  readonly firstEvent: bigint;
  readonly endEvent: bigint;
}

interface Row {
  accountId: string;
  since: Date | null;
  cash: bigint;
  assetIds: string[];
  quantities: bigint[];
  costBases: bigint[];
  firstEvent: bigint;
  endEvent: bigint;
}

/**
 * The next accounts, by id, that have no statement of the day. Their events of the day are found by
 * halves in the primary key, a minute further to both sides: two machines' clocks may differ.
 */
const NEXT_ACCOUNTS = `
  select a.id as "accountId", before.closes_at as since,
    coalesce(before.closing_cash, 0) as cash,
    coalesce(before.asset_ids, '{}') as "assetIds",
    coalesce(before.quantities, '{}') as quantities,
    coalesce(before.cost_bases, '{}') as "costBases",
    case when before.closes_at is null then 1
      else first_event_at(a.id, before.closes_at - interval '1 minute') end as "firstEvent",
    first_event_at(a.id, :close::timestamptz + interval '1 minute') as "endEvent"
  from (
    select id from accounts a
    where a.kind = 'client' and a.created_at < :close and a.id > :after
      and not exists (select from statements s where s.account_id = a.id and s.day = :day)
    order by a.id limit :limit
  ) as a
  left join lateral (
    select * from statements s where s.account_id = a.id and s.day < :day
    order by s.day desc limit 1
  ) as before on true
  order by a.id`;

/** @param after the id of the account that came last; of the first call all zeros */
export async function readOpeningBalances(
  knex: Knex,
  { day, close }: TradingDay,
  after: string,
  limit: number,
): Promise<OpeningBalance[]> {
  const { rows } = await knex.raw<{ rows: Row[] }>(NEXT_ACCOUNTS, {
    day: dateText(day),
    close,
    after,
    limit,
  });
  return rows.map(({ assetIds, quantities, costBases, ...row }) => ({
    ...row,
    holdings: new Map(
      assetIds.map((id, index) => [id, { qty: quantities[index]!, costBasis: costBases[index]! }]),
    ),
  }));
}
