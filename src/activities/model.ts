import type { Knex } from 'knex';
import { USD } from '../ledger/house.js';
import { partsOf, positionOf, RANK, type Position } from './activity-id.js';

/** One execution of one of the account's orders. Quantities in 10^-9, money in 10^-4 USD. */
export interface FillRow {
  eventId: bigint;
  occurredAt: Date;
  type: 'fill' | 'partial_fill';
  orderId: string;
  orderStatus: string;
  orderQty: bigint;
  filledQty: bigint;
  price: bigint;
  qty: bigint;
  fee: bigint;
  side: 'buy' | 'sell';
  symbol: string;
}

/** One posting that no trade made; the amount is of the currency or of an asset. */
export interface JournalRow {
  eventId: bigint;
  seq: number;
  journalId: string;
  journalKind: string;
  createdAt: Date;
  amount: bigint;
  /** Null for money. */
  symbol: string | null;
  type: JournalType;
}

export type JournalType = 'CSD' | 'CSW' | 'JNLC' | 'JNLS';

export interface ActivityFilter {
  fills: boolean;
  fees: boolean;
  journalTypes: readonly JournalType[];
  direction: 'asc' | 'desc';
  limit: number;
  /** Both excluded. */
  after?: Date | undefined;
  until?: Date | undefined;
  cursor?: Position | undefined;
}

/** Two machines' clocks may differ: by less than this, and time then goes back in the events. */
const CLOCK_SKEW = `interval '1 minute'`;

/** What both sources are limited by: the cursor's event and its place after it, and the times. */
function bindingsOf(accountId: string, filter: ActivityFilter): Record<string, unknown> {
  const { after, until, limit, cursor } = filter;
  const { eventId, rank, seq } = partsOf(cursor ?? 0n);
  const isJournal = rank === RANK.journal;
  const next = filter.direction === 'asc' ? 1n : 0n;
  return {
    accountId,
    after: after ?? null,
    until: until ?? null,
    limit,
    eventId: eventId.toString(),
    seq: (isJournal ? seq + next : 0n).toString(),
  };
}

/**
 * The account's fills beyond the cursor, in the order of its events. The primary key is read from
 * the cursor on; times are found in it by halves first, so that the cost is that of a page.
 */
export async function readFills(
  knex: Knex,
  accountId: string,
  filter: ActivityFilter,
): Promise<FillRow[]> {
  const { direction, cursor, after, until } = filter;
  const conditions = [
    cursor !== undefined && `event_id ${direction === 'asc' ? '>=' : '<='} :eventId`,
    after && `event_id >= first_event_at(:accountId, :after::timestamptz - ${CLOCK_SKEW})`,
    after && 'occurred_at > :after',
    until && `event_id < first_event_at(:accountId, :until::timestamptz + ${CLOCK_SKEW})`,
    until && 'occurred_at < :until',
    !filter.fills && 'fee > 0',
  ].filter((condition) => typeof condition === 'string');
  const { rows } = await knex.raw<{ rows: FillRow[] }>(
    `select e.event_id as "eventId", e.occurred_at as "occurredAt", e.type,
       e.order_id as "orderId", e.order_status as "orderStatus", o.qty as "orderQty",
       e.filled_qty as "filledQty", e.price, e.qty, e.fee, o.side, s.symbol
     from (
       select * from account_events
       where ${['account_id = :accountId', `type in ('fill', 'partial_fill')`, ...conditions].join(' and ')}
       order by event_id ${direction} limit :limit
     ) as e
     join orders o on o.id = e.order_id
     join assets s on s.id = o.asset_id
     order by e.event_id ${direction}`,
    bindingsOf(accountId, { ...filter, limit: filter.limit + 1 }), // the cursor's own event
  );
  return rows;
}

/** Of a posting `p` of a journal `j`; `:usd` is the currency. */
export const JOURNAL_TYPE = `case
  when p.asset_id <> :usd then 'JNLS'
  when j.kind in ('opening', 'deposit') then 'CSD'
  when j.kind = 'withdrawal' then 'CSW'
  when j.kind = 'reversal' then case when p.amount > 0 then 'CSD' else 'CSW' end
  else 'JNLC' end`;

/** The account's postings that no trade made, beyond the cursor, in the order of its events. */
export async function readJournals(
  knex: Knex,
  accountId: string,
  filter: ActivityFilter,
): Promise<JournalRow[]> {
  const { direction, cursor, after, until, journalTypes } = filter;
  const conditions = [
    'l.account_id = :accountId',
    `${JOURNAL_TYPE} = any(:types::text[])`,
    cursor !== undefined &&
      `(l.event_id, l.seq) ${direction === 'asc' ? '>=' : '<'} (:eventId, :seq)`,
    after && 'j.created_at > :after',
    until && 'j.created_at < :until',
  ].filter((condition) => typeof condition === 'string');
  const { rows } = await knex.raw<{ rows: JournalRow[] }>(
    `select l.event_id as "eventId", l.seq, l.journal_id as "journalId", j.kind as "journalKind",
       j.created_at as "createdAt", p.amount, nullif(s.symbol, 'USD') as symbol,
       ${JOURNAL_TYPE} as type
     from account_journals l
     join journals j on j.id = l.journal_id
     join postings p on p.journal_id = l.journal_id and p.line = l.line
     join assets s on s.id = p.asset_id
     where ${conditions.join(' and ')}
     order by l.event_id ${direction}, l.seq ${direction} limit :limit`,
    { ...bindingsOf(accountId, filter), usd: USD, types: journalTypes },
  );
  return rows;
}

export type Activity =
  | { kind: 'fill' | 'fee'; position: Position; time: Date; fill: FillRow }
  | { kind: 'journal'; position: Position; time: Date; journal: JournalRow };

/** A page of what happened on an account: trades, their fees, and money and shares in and out. */
export async function listActivities(
  knex: Knex,
  accountId: string,
  filter: ActivityFilter,
): Promise<Activity[]> {
  const [fills, journals] = await Promise.all([
    filter.fills || filter.fees ? readFills(knex, accountId, filter) : [],
    filter.journalTypes.length > 0 ? readJournals(knex, accountId, filter) : [],
  ]);
  const activities = [
    ...fills.flatMap((fill) => ofFill(fill, filter)),
    ...journals.map((journal): Activity => {
      const position = positionOf(journal.eventId, RANK.journal, BigInt(journal.seq));
      return { kind: 'journal', position, time: journal.createdAt, journal };
    }),
  ];
  const sign = filter.direction === 'asc' ? 1 : -1;
  const order = (a: Position, b: Position): number => (a === b ? 0 : a < b ? -sign : sign);
  const { cursor } = filter;
  return activities
    .filter(({ position }) => cursor === undefined || order(position, cursor) > 0)
    .sort((a, b) => order(a.position, b.position))
    .slice(0, filter.limit);
}

function ofFill(fill: FillRow, { fills, fees }: ActivityFilter): Activity[] {
  const time = fill.occurredAt;
  const activities: Activity[] = [];
  if (fills) {
    activities.push({ kind: 'fill', position: positionOf(fill.eventId, RANK.fill), time, fill });
  }
  if (fees && fill.fee > 0n) {
    activities.push({ kind: 'fee', position: positionOf(fill.eventId, RANK.fee), time, fill });
  }
  return activities;
}
