import type { Statement } from '../db.js';
import { SETTLEMENT_GATE } from '../risk/settlement-gate.js';

/**
 * The statements of one execution pass, in the order they run. Each works on the whole pass
 * (`unnest` of parallel arrays): statements a pass stay constant, whatever number of symbols and
 * orders it settles. Lock order: shards, positions, accounts, each sorted.
 */

/** $1 shards, $2 worker name: the next fence of each, taken when a job is picked up. */
export const CLAIM_SHARDS: Statement = {
  name: 'execute-claim-shards',
  text: `with locked as (
      select shard from shard_claims where shard = any($1::int[])
      order by shard for no key update
    )
    update shard_claims c set fence = c.fence + 1, worker = $2
    from locked where c.shard = locked.shard
    returning c.shard, c.fence`,
};

/** $1 shards: those that nobody else is settling, with the fence that is valid now. */
export const LOCK_SHARDS: Statement = {
  name: 'execute-lock-shards',
  text: `select s.id as shard, c.fence
    from shards s join shard_claims c on c.shard = s.id
    where s.id = any($1::int[]) order by s.id
    for no key update of s skip locked`,
};

/** Held by every pass until its end, and exclusively by whoever throws a kill switch. */
export const JOIN_PASSES: Statement = {
  name: 'execute-join-passes',
  text: `select pg_advisory_xact_lock_shared(${SETTLEMENT_GATE})`,
};

/** What must not trade; a statement of its own, so that it sees what the lock waited for. */
export const BLOCKS: Statement = {
  name: 'execute-blocks',
  text: `select kind, scope, target from trading_blocks`,
};

const ORDER_COLUMNS = `o.id, o.account_id as "accountId", o.asset_id as "assetId", o.shard, o.side, o.type,
  o.time_in_force as "timeInForce", o.qty, o.notional, o.limit_price as "limitPrice",
  o.stop_price as "stopPrice", o.trail_price as "trailPrice", o.trail_percent as "trailPercent",
  o.order_class as "orderClass", o.leg, o.group_id as "groupId",
  o.bound_price as "boundPrice", o.fee_bps as "feeBps",
  o.status, o.reason, o.filled_qty as "filledQty", o.filled_value as "filledValue", o.fees, o.hold, o.version,
  o.replaced_by as "replacedBy", o.triggered_at as "triggeredAt", o.hwm, o.created_at as "createdAt"`;

/** $1 shards, $2 items a shard: waiting work in sequence order, with the order it is about. */
export const TAKE_WORK: Statement = {
  name: 'execute-take-work',
  text: `select w.id as seq, w.kind, w.created_at as "waitingSince", w.attempts, w.reason as cause,
      w.new_order_id as "newOrderId", w.total_qty as "totalQty", w.if_version as "ifVersion",
      ${ORDER_COLUMNS}
    from unnest($1::int[]) as wanted (shard)
    cross join lateral (
      select * from work_items where work_items.shard = wanted.shard
      order by work_items.id limit $2
    ) w
    join orders o on o.id = w.order_id
    order by w.id`,
};

/** $1 asset ids: what the pass must know of them. */
export const PASS_ASSETS: Statement = {
  name: 'execute-pass-assets',
  text: `select a.id, a.class, a.tradable and a.status = 'active' as "isTradable",
      a.price_increment as "priceIncrement", a.min_trade_increment as "minTradeIncrement",
      coalesce(m.last_price, m.reference_price) as price
    from assets a join market_prices m on m.asset_id = a.id where a.id = any($1::uuid[])`,
};

/** $1 order ids. */
export const LOAD_ORDERS: Statement = {
  name: 'execute-load-orders',
  text: `select ${ORDER_COLUMNS} from orders o where o.id = any($1::uuid[])`,
};

/** $1 ids of open orders: where they wait. */
export const ORDER_PLACES: Statement = {
  name: 'execute-order-places',
  text: `select order_id as "orderId", seq, null::text as "waitsFor", null::bigint as hwm,
      null::timestamptz as "releaseAt" from book_orders where order_id = any($1::uuid[])
    union all
    select order_id, seq, waits_for, hwm, release_at
      from parked_orders where order_id = any($1::uuid[])`,
};

/** $1 group ids: their open orders, without replacements whose turn has not come. */
export const LOAD_GROUPS: Statement = {
  name: 'execute-load-groups',
  text: `select ${ORDER_COLUMNS} from orders o
    where o.group_id = any($1::uuid[]) and o.closed_at is null
      and not exists (select from work_items w where w.kind = 'replace' and w.new_order_id = o.id)
    order by o.id`,
};

/**
 * $1 asset ids, $2 directions, then for each lane (by rank, by trail_price, by trail_percent) the keys
 * and sequences behind which to read, $9 how many of each: the armed stops that come next.
 */
export const NEXT_STOPS: Statement = {
  name: 'execute-next-stops',
  text: `select p.lane, p.key, p.seq, p.hwm as "parkedHwm", ${ORDER_COLUMNS}
    from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
        $7::bigint[], $8::bigint[])
      as w (asset_id, direction, rank, rank_seq, price, price_seq, percent, percent_seq)
    cross join lateral (
      (select 'rank' as lane, rank as key, seq, hwm, order_id from parked_orders p
        where p.waits_for = 'trigger' and p.asset_id = w.asset_id and p.direction = w.direction
          and (p.rank, p.seq) > (w.rank, w.rank_seq)
        order by p.rank, p.seq limit $9)
      union all
      (select 'trail_price', trail_price, seq, hwm, order_id from parked_orders p
        where p.waits_for = 'trigger' and p.trail_price is not null
          and p.asset_id = w.asset_id and p.direction = w.direction
          and (p.trail_price, p.seq) > (w.price, w.price_seq)
        order by p.trail_price, p.seq limit $9)
      union all
      (select 'trail_percent', trail_percent, seq, hwm, order_id from parked_orders p
        where p.waits_for = 'trigger' and p.trail_percent is not null
          and p.asset_id = w.asset_id and p.direction = w.direction
          and (p.trail_percent, p.seq) > (w.percent, w.percent_seq)
        order by p.trail_percent, p.seq limit $9)
    ) p
    join orders o on o.id = p.order_id
    order by p.lane, p.key, p.seq`,
};

/**
 * $1 asset ids, $2 sides, $3-$4 ranks and sequences behind which to read, $5 worst ranks,
 * $6 quantities, $7 what is to be spent: what can be reached in the books.
 */
export const LOAD_BOOKS: Statement = {
  name: 'execute-load-books',
  text: `select b.rank, b.seq, b.remaining, ${ORDER_COLUMNS}
    from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::numeric[],
        $7::numeric[])
      as wanted (asset_id, side, after_rank, after_seq, worst_rank, qty, value)
    cross join lateral reachable_book_orders(wanted.asset_id, wanted.side, wanted.after_rank,
      wanted.after_seq, wanted.worst_rank, wanted.qty, wanted.value) b
    join orders o on o.id = b.order_id`,
};

/** $1-$10 one array a column, $11 the time. */
export const INSERT_EXECUTIONS: Statement = {
  name: 'execute-insert-executions',
  text: `insert into executions (id, taker_order_id, maker_order_id, asset_id, taker_side, price, qty,
      value, taker_fee, maker_fee, executed_at)
    select u.*, $11::timestamptz from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[],
      $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[]) as u`,
};

/** $1 ids, $2 the time. A trade's journal has the trade's id. */
export const INSERT_TRADE_JOURNALS: Statement = {
  name: 'execute-insert-journals',
  text: `insert into journals (id, kind, created_at)
    select u.id, 'trade', $2::timestamptz from unnest($1::uuid[]) as u (id)`,
};

/** $1 journal ids, $2 lines, $3 account ids, $4 asset ids, $5 signed amounts. */
export const INSERT_POSTINGS: Statement = {
  name: 'execute-insert-postings',
  text: `insert into postings (journal_id, line, account_id, asset_id, amount)
    select * from unnest($1::uuid[], $2::int2[], $3::uuid[], $4::uuid[], $5::bigint[])`,
};

/**
 * $1 ids, $2 status, $3-$4 filled, $5 fees, $6 hold, $7 reason, $8 version, $9 closed, $10 time,
 * $11 the pass. Runs after RESHAPE_ORDERS: what is filled is never more than the quantity.
 */
export const UPDATE_ORDERS: Statement = {
  name: 'execute-update-orders',
  text: `update orders o set status = u.status, filled_qty = u.filled_qty,
      filled_value = u.filled_value, fees = u.fees, hold = u.hold, reason = u.reason,
      version = u.version, updated_at = $10,
      first_pass = coalesce(o.first_pass, $11::uuid), last_pass = $11,
      closed_at = case when u.closed then coalesce(o.closed_at, $10::timestamptz) end
    from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
      $7::text[], $8::int[], $9::bool[])
      as u (id, status, filled_qty, filled_value, fees, hold, reason, version, closed)
    where o.id = u.id`,
};

/** $1 ids, $2 quantities, $3 successors, $4 trigger times, $5 marks of trailing stops. */
export const RESHAPE_ORDERS: Statement = {
  name: 'execute-reshape-orders',
  text: `update orders o set qty = u.qty, replaced_by = u.replaced_by,
      triggered_at = u.triggered_at, hwm = u.hwm
    from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::timestamptz[], $5::bigint[])
      as u (id, qty, replaced_by, triggered_at, hwm)
    where o.id = u.id`,
};

/** $1 order ids. */
export const DELETE_PARKED: Statement = {
  name: 'execute-delete-parked',
  text: `delete from parked_orders where order_id = any($1::uuid[])`,
};

/** $1 order ids, $2 what they wait for, $3 seqs, $4 directions, $5 ranks, $6 marks, $7 times. */
export const INSERT_PARKED: Statement = {
  name: 'execute-insert-parked',
  text: `insert into parked_orders (order_id, account_id, asset_id, shard, waits_for, seq, direction,
      rank, hwm, trail_price, trail_percent, release_at)
    select o.id, o.account_id, o.asset_id, o.shard, u.waits_for, u.seq, u.direction, u.rank, u.hwm,
      case when u.waits_for = 'trigger' then o.trail_price end,
      case when u.waits_for = 'trigger' then o.trail_percent end, u.release_at
    from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],
      $7::timestamptz[]) as u (id, waits_for, seq, direction, rank, hwm, release_at)
    join orders o on o.id = u.id`,
};

/**
 * $1 asset ids, $2 directions, $3 the best prices of the pass: trailing stops follow. Those that were
 * not read: where they stand is computed here as `trailingStop` does.
 */
export const FOLLOW_TRAILS: Statement = {
  name: 'execute-follow-trails',
  text: `update parked_orders p set hwm = u.price, rank = case
      when p.direction = 'fall' then -greatest(1, case when p.trail_price is not null
        then u.price - p.trail_price
        else u.price * (1000000 - p.trail_percent)::bigint / 1000000 end)
      else case when p.trail_price is not null then u.price + p.trail_price
        else (u.price * (1000000 + p.trail_percent)::bigint + 999999) / 1000000 end end
    from unnest($1::uuid[], $2::text[], $3::bigint[]) as u (asset_id, direction, price)
    where p.waits_for = 'trigger' and p.hwm is not null
      and p.asset_id = u.asset_id and p.direction = u.direction
      and ((u.direction = 'fall' and p.hwm < u.price) or (u.direction = 'rise' and p.hwm > u.price))`,
};

/** $1 id, $2 worker, $3 attempt, $4 jobs, $5 items, $6 picked up, $7 matched, $8 settled. */
export const INSERT_PASS: Statement = {
  name: 'execute-insert-pass',
  text: `insert into execution_passes (id, worker, attempt, jobs, items, picked_up_at, matched_at,
      settled_at)
    values ($1, $2, $3, $4::text[], $5, $6, $7, $8)`,
};

/** $1 shard: its first item could not be worked on. */
export const COUNT_ATTEMPT: Statement = {
  name: 'execute-count-attempt',
  text: `update work_items w set attempts = w.attempts + 1
    where w.shard = $1 and w.id = (
      select first.id from work_items first where first.shard = $1 order by first.id limit 1
    ) returning w.order_id as "orderId", w.attempts`,
};

/** $1 order ids, $2 asset ids, $3 shards, $4 sides, $5 ranks, $6 seqs, $7 accounts, $8 remaining. */
export const INSERT_BOOK_ORDERS: Statement = {
  name: 'execute-insert-book-orders',
  text: `insert into book_orders (order_id, asset_id, shard, side, rank, seq, account_id, remaining)
    select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::bigint[], $6::bigint[],
      $7::uuid[], $8::bigint[])`,
};

/** $1 order ids, $2 remaining. */
export const UPDATE_BOOK_ORDERS: Statement = {
  name: 'execute-update-book-orders',
  text: `update book_orders b set remaining = u.remaining
    from unnest($1::uuid[], $2::bigint[]) as u (order_id, remaining)
    where b.order_id = u.order_id`,
};

/** $1 order ids. */
export const DELETE_BOOK_ORDERS: Statement = {
  name: 'execute-delete-book-orders',
  text: `delete from book_orders where order_id = any($1::uuid[])`,
};

/** $1 shards, $2 ids: exactly what was taken; a lower id may have been committed meanwhile. */
export const DELETE_WORK: Statement = {
  name: 'execute-delete-work',
  text: `delete from work_items w using unnest($1::int[], $2::bigint[]) as u (shard, id)
    where w.shard = u.shard and w.id = u.id`,
};

/** $1 account ids, $2 asset ids: under lock, sorted. */
export const LOCK_POSITIONS: Statement = {
  name: 'execute-lock-positions',
  text: `select p.account_id as "accountId", p.asset_id as "assetId", p.qty, p.held,
      p.cost_basis as "costBasis"
    from unnest($1::uuid[], $2::uuid[]) as wanted (account_id, asset_id)
    join positions p using (account_id, asset_id)
    order by p.account_id, p.asset_id
    for no key update of p`,
};

/** $1 account ids, $2 asset ids of positions that are opened by a first purchase. */
export const OPEN_POSITIONS: Statement = {
  name: 'execute-open-positions',
  text: `insert into positions (account_id, asset_id)
    select account_id, asset_id from unnest($1::uuid[], $2::uuid[]) as u (account_id, asset_id)
    order by account_id, asset_id
    on conflict do nothing`,
};

/** $1 account ids: under lock, sorted. */
export const LOCK_ACCOUNTS: Statement = {
  name: 'execute-lock-accounts',
  text: `select id, kind, last_event_id as "lastEventId"
    from accounts where id = any($1::uuid[]) order by id for no key update`,
};

/** $1 account ids, $2 cash deltas, $3 hold deltas, $4 last event ids. */
export const UPDATE_ACCOUNTS: Statement = {
  name: 'execute-update-accounts',
  text: `update accounts a set cash = a.cash + u.cash, cash_held = a.cash_held + u.held,
      last_event_id = u.last_event_id
    from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[])
      as u (id, cash, held, last_event_id)
    where a.id = u.id`,
};

/** $1 account ids, $2 asset ids, $3 quantity, $4 hold delta, $5 cost basis. */
export const UPDATE_POSITIONS: Statement = {
  name: 'execute-update-positions',
  text: `update positions p set qty = u.qty, held = p.held + u.held, cost_basis = u.cost_basis
    from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[])
      as u (account_id, asset_id, qty, held, cost_basis)
    where p.account_id = u.account_id and p.asset_id = u.asset_id`,
};

/** $1-$15 one array a column, $16 the time. */
export const INSERT_EVENTS: Statement = {
  name: 'execute-insert-events',
  text: `insert into account_events (account_id, event_id, type, order_id, order_status,
      order_version, filled_qty, filled_value, fees, execution_id, price, qty, fee, position_qty,
      reason, occurred_at)
    select u.*, $16::timestamptz from unnest($1::uuid[], $2::bigint[], $3::text[], $4::uuid[],
      $5::text[], $6::int[], $7::bigint[], $8::bigint[], $9::bigint[], $10::uuid[], $11::bigint[],
      $12::bigint[], $13::bigint[], $14::bigint[], $15::text[]) as u`,
};

/** $1-$7 one array a column, $8 the time. */
export const INSERT_NOTIFICATIONS: Statement = {
  name: 'execute-insert-notifications',
  text: `insert into notifications (kind, account_id, order_id, order_status, executions, qty, value,
      fees, created_at, due_at)
    select 'order_executed', u.*, $8::timestamptz, $8 from unnest($1::uuid[], $2::uuid[],
      $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[]) as u`,
};

/** $1 asset ids, $2 last prices, $3 the time. */
export const UPDATE_LAST_PRICES: Statement = {
  name: 'execute-update-last-prices',
  text: `with locked as (
      select asset_id from market_prices where asset_id = any($1::uuid[])
      order by asset_id for no key update
    )
    update market_prices m set last_price = u.price, last_trade_at = $3
    from locked join unnest($1::uuid[], $2::bigint[]) as u (asset_id, price) using (asset_id)
    where m.asset_id = locked.asset_id`,
};
