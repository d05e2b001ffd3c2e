import type { Knex } from 'knex';
import { JOURNAL_TYPE, type JournalType } from '../activities/model.js';
import type { CashFlow, DayMovement } from '../domain/account-day.js';
import { USD } from '../ledger/house.js';
import type { OpeningBalance } from './opening-balances.js';

/** So many events at most are read at once: a few milliseconds of a worker that has more to do. */
const EVENTS_MAX = 1_000n;

/** A stretch of one account's events. */
interface Stretch {
  readonly accountId: string;
  readonly since: Date | null;
  readonly first: bigint;
  readonly end: bigint;
}

interface Row {
  accountId: string;
  assetId: string;
  side: 'buy' | 'sell' | null;
  price: bigint | null;
  qty: bigint;
  fee: bigint | null;
  type: JournalType | null;
  cost: bigint | null;
}

/**
 * What was booked before the close and not before `since`, account by account in the order in which
 * it was. The two sources are read by their primary keys for each stretch on its own (lateral, with
 * an order that only the key has), so that no plan ever scans a whole table.
 */
const READ = `
  select r.account_id as "accountId", m.asset_id as "assetId", m.side, m.price, m.qty, m.fee, m.type,
    m.cost
  from unnest(:accounts::uuid[], :firsts::bigint[], :ends::bigint[], :sinces::timestamptz[])
    with ordinality as r (account_id, first, "end", since, place)
  cross join lateral (
    (select e.event_id, 0 as rank, 0 as seq, o.asset_id, o.side, e.price, e.qty, e.fee,
       null as type, null::bigint as cost
     from account_events e join orders o on o.id = e.order_id
     where e.account_id = r.account_id and e.event_id >= r.first and e.event_id < r."end"
       and e.type in ('fill', 'partial_fill')
       and e.occurred_at >= r.since and e.occurred_at < :close
     order by e.event_id)
    union all
    (select l.event_id, 1, l.seq, p.asset_id, null, null, p.amount, null, ${JOURNAL_TYPE}, l.cost
     from account_journals l
     join journals j on j.id = l.journal_id
     join postings p on p.journal_id = l.journal_id and p.line = l.line
     where l.account_id = r.account_id and l.event_id >= r.first and l.event_id < r."end"
       and j.created_at >= r.since and j.created_at < :close
     order by l.event_id, l.seq)
  ) as m
  order by r.place, m.event_id, m.rank, m.seq`;

/**
 * Tells what happened on accounts between two closes, in pages of bounded size. Nothing is locked:
 * all of it is append-only.
 */
export async function eachMovement(
  knex: Knex,
  openings: readonly OpeningBalance[],
  close: Date,
  tell: (accountId: string, movement: DayMovement) => void,
): Promise<void> {
  for (const stretches of pagesOf(openings)) {
    const { rows } = await knex.raw<{ rows: Row[] }>(READ, {
      accounts: stretches.map(({ accountId }) => accountId),
      firsts: stretches.map(({ first }) => String(first)),
      ends: stretches.map(({ end }) => String(end)),
      sinces: stretches.map(({ since }) => since?.toISOString() ?? '-infinity'),
      close,
      usd: USD,
    });
    for (const row of rows) tell(row.accountId, movementOf(row));
  }
}

/**
 * Stretches of events, together not more than EVENTS_MAX: event ids have no gaps, so their difference
 * counts them. A journal bears the id of the event before it, hence the one before the first.
 */
function* pagesOf(openings: readonly OpeningBalance[]): Generator<Stretch[]> {
  let page: Stretch[] = [];
  let room = EVENTS_MAX;
  for (const { accountId, since, firstEvent, endEvent } of openings) {
    let first = firstEvent - 1n;
    while (first < endEvent) {
      const end = endEvent - first > room ? first + room : endEvent;
      page.push({ accountId, since, first, end });
      room -= end - first;
      first = end;
      if (room > 0n) continue;
      yield page;
      page = [];
      room = EVENTS_MAX;
    }
  }
  if (page.length > 0) yield page;
}

const FLOWS: Record<Exclude<JournalType, 'JNLS'>, CashFlow> = {
  CSD: 'deposits',
  CSW: 'withdrawals',
  JNLC: 'adjustments',
};

function movementOf({ assetId, side, price, qty, fee, type, cost }: Row): DayMovement {
  if (type === null) {
    return { kind: 'trade', assetId, side: side!, price: price!, qty, fee: fee! };
  }
  if (type === 'JNLS') return { kind: 'shares', assetId, qty, cost: cost ?? 0n };
  return { kind: 'cash', flow: FLOWS[type], amount: qty };
}
