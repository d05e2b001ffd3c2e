import type { Statement } from '../db.js';

/**
 * The statements that write a settlement, each for the whole pass (`unnest` of parallel arrays).
 * Positions are locked before accounts, each sorted.
 */

/** $1-$10 one array a column, $11 the time. */
export const INSERT_EXECUTIONS: Statement = {
  name: 'execute-insert-executions',
  text: `insert into executions (id, taker_order_id, maker_order_id, asset_id, taker_side, price, qty,
      value, taker_fee, maker_fee, executed_at)
    select u.*, $11::timestamptz from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[],
      $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[]) as u`,
};

/** As INSERT_EXECUTIONS; $12 what the external venue calls those that have no maker. */
export const INSERT_VENUE_EXECUTIONS: Statement = {
  name: 'execute-insert-venue-executions',
  text: `insert into executions (id, taker_order_id, maker_order_id, asset_id, taker_side, price, qty,
      value, taker_fee, maker_fee, venue_execution_id, executed_at)
    select u.*, $11::timestamptz from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[],
      $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
      $12::uuid[]) as u`,
};

/** $1 ids, $2 orders, $3 quantities, $4 worst prices, $5 our prices, $6 until, $7-$8 ends, $9 time. */
export const INSERT_ROUTES: Statement = {
  name: 'execute-insert-routes',
  text: `insert into venue_routes (id, order_id, account_id, asset_id, shard, side, qty, limit_price,
      reference_price, good_until, ends_as, ends_reason, reconcile_at, created_at)
    select u.id, o.id, o.account_id, o.asset_id, o.shard, o.side, u.qty, u.limit_price,
      u.reference_price, u.good_until, u.ends_as, u.ends_reason, $9::timestamptz + interval '2 s', $9
    from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[],
      $7::text[], $8::text[])
      as u (id, order_id, qty, limit_price, reference_price, good_until, ends_as, ends_reason)
    join orders o on o.id = u.order_id`,
};

/**
 * $1 ids, $2 status, $3 reasons, $4 filled, $5 sequences, $6-$7 ends, $8 disputed, $9 time. A dispute
 * that was noted meanwhile stays.
 */
export const UPDATE_ROUTES: Statement = {
  name: 'execute-update-routes',
  text: `update venue_routes r set status = u.status, reason = u.reason, filled_qty = u.filled_qty,
      applied_sequence = u.applied_sequence, ends_as = u.ends_as, ends_reason = u.ends_reason,
      disputed = r.disputed or u.disputed,
      ended_at = case when u.status <> 'open' then coalesce(r.ended_at, $9::timestamptz) end
    from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::int[], $6::text[], $7::text[],
      $8::bool[])
      as u (id, status, reason, filled_qty, applied_sequence, ends_as, ends_reason, disputed)
    where r.id = u.id`,
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

/** $1 ids, $2 quantities, $3 successors, $4 trigger times, $5 marks of trailing stops, $6 routes. */
export const RESHAPE_ORDERS: Statement = {
  name: 'execute-reshape-orders',
  text: `update orders o set qty = u.qty, replaced_by = u.replaced_by,
      triggered_at = u.triggered_at, hwm = u.hwm, route_id = u.route_id
    from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::timestamptz[], $5::bigint[],
      $6::uuid[])
      as u (id, qty, replaced_by, triggered_at, hwm, route_id)
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
  text: `select id, last_event_id as "lastEventId"
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

/** $1-$7 one array a column, $8 the time. Facts, gathered into messages. The house is not told. */
export const INSERT_NOTIFICATIONS: Statement = {
  name: 'execute-insert-notifications',
  text: `insert into notifications (kind, account_id, order_id, order_status, executions, qty, value,
      fees, created_at, due_at)
    select case when u.executions > 0 then 'order_executed' else 'order_changed' end, u.*, $8::timestamptz, $8 from unnest($1::uuid[], $2::uuid[],
      $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[])
      as u (account_id, order_id, order_status, executions, qty, value, fees)
    join accounts a on a.id = u.account_id and a.kind = 'client'`,
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

/** $1 asset ids, $2 edges, $3 the time: a price band stopped orders. */
export const INSERT_BAND_STOPS: Statement = {
  name: 'execute-insert-band-stops',
  text: `insert into price_band_stops (asset_id, edge, stopped_at)
    select u.*, $3::timestamptz from unnest($1::uuid[], $2::text[]) as u`,
};
