import type { Statement } from '../db.js';

/**
 * The statements of one intake transaction, in the order they run. Each works on a whole batch
 * (`unnest` of parallel arrays), so that a commit of 250 orders costs as many round trips as one.
 *
 * Locks are taken in the order of the whole product: positions, then accounts, each sorted. They are
 * NO KEY UPDATE, which lets the foreign keys of other transactions' inserts pass.
 */

/** $1 account ids, $2 asset ids of the positions that sell orders draw on. */
export const LOCK_POSITIONS: Statement = {
  name: 'intake-lock-positions',
  text: `select p.account_id as "accountId", p.asset_id as "assetId", p.qty, p.held
    from unnest($1::uuid[], $2::uuid[]) as wanted (account_id, asset_id)
    join positions p using (account_id, asset_id)
    order by p.account_id, p.asset_id
    for no key update of p`,
};

/** $1 account ids. */
export const LOCK_ACCOUNTS: Statement = {
  name: 'intake-lock-accounts',
  text: `select a.id, a.cash, a.cash_held as "cashHeld", a.last_event_id as "lastEventId",
      coalesce(c.suspend_trade, false) as "suspendTrade",
      coalesce(c.fractional_trading, true) as "fractionalTrading"
    from accounts a left join account_configurations c on c.account_id = a.id
    where a.id = any($1::uuid[]) order by a.id for no key update of a`,
};

/** $1 account ids, $2 client order ids that clients chose. Runs under the accounts' locks. */
export const FIND_CLIENT_ORDER_IDS: Statement = {
  name: 'intake-find-client-order-ids',
  text: `select o.account_id as "accountId", o.client_order_id as "clientOrderId"
    from unnest($1::uuid[], $2::text[]) as wanted (account_id, client_order_id)
    join orders o using (account_id, client_order_id)`,
};

/** $1 account ids, $2 idempotency keys. Runs under the accounts' locks. */
export const FIND_IDEMPOTENCY_KEYS: Statement = {
  name: 'intake-find-idempotency-keys',
  text: `select k.account_id as "accountId", k.key, k.request_hash as "requestHash",
      k.order_id as "orderId", k.refusal
    from unnest($1::uuid[], $2::text[]) as wanted (account_id, key)
    join idempotency_keys k using (account_id, key)`,
};

/** $1 asset ids, $2 sides of the book: the best resting price of each, as a rank. */
export const BEST_PRICES: Statement = {
  name: 'intake-best-prices',
  text: `select wanted.asset_id as "assetId", wanted.side, best.rank
    from unnest($1::uuid[], $2::text[]) as wanted (asset_id, side)
    cross join lateral (
      select b.rank from book_orders b
      where b.asset_id = wanted.asset_id and b.side = wanted.side
      order by b.rank, b.seq limit 1
    ) best`,
};

/**
 * $1 ids of orders to cancel or replace. The final word is the worker's; this only refuses the
 * obvious.
 */
export const FIND_TARGETS: Statement = {
  name: 'intake-find-targets',
  text: `select o.id, o.account_id as "accountId", o.shard, o.status, o.qty, o.hold,
      o.version, o.filled_qty as "filledQty", o.filled_value as "filledValue", o.fees,
      exists (select 1 from work_items w where w.order_id = o.id and w.kind = 'cancel')
        or exists (select 1 from venue_routes r where r.id = o.route_id and r.ends_as is not null)
        as "cancelPending",
      o.route_id is not null as "isAtVenue",
      exists (select 1 from work_items w where w.order_id = o.id and w.kind = 'replace')
        as "replacePending",
      o.replaces is not null and exists (
        select 1 from work_items w
        where w.order_id = o.replaces and w.kind = 'replace' and w.new_order_id = o.id
      ) as "isToReplace"
    from orders o where o.id = any($1::uuid[])`,
};

/**
 * $1 account ids, $2 asset ids, $3 sides of the book, $4 worst ranks, $5 quantities, $6 keys to know
 * the answers by: the account's own order that each would come to trade with. Orders that are being
 * cancelled do not count, nor those behind enough of others' to fill it. The second look is only
 * taken where an own order is within reach by its price, which is rare.
 */
export const FIND_OWN_ORDERS: Statement = {
  name: 'intake-find-own-orders',
  text: `select wanted.key, own.order_id as "orderId", own.rank, wanted.side
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::numeric[], $6::text[])
      as wanted (account_id, asset_id, side, worst_rank, qty, key)
    cross join lateral (
      select b.order_id, b.rank from book_orders b
      where b.account_id = wanted.account_id and b.asset_id = wanted.asset_id
        and b.side = wanted.side and b.rank <= wanted.worst_rank
        and not exists (select 1 from work_items w where w.order_id = b.order_id and w.kind = 'cancel')
      order by b.rank, b.seq limit 1
    ) own
    where exists (
      select 1 from reachable_book_orders(wanted.asset_id, wanted.side, -9223372036854775808, -1,
        own.rank, wanted.qty, 0) reached
      where reached.order_id = own.order_id
    )`,
};

/** $1 account ids, $2 since when: what they have ordered. */
export const FIND_RECENT_ORDERS: Statement = {
  name: 'intake-find-recent-orders',
  text: `select account_id as "accountId", asset_id as "assetId", side, type, qty, notional,
      limit_price as "limitPrice", stop_price as "stopPrice", created_at as "createdAt"
    from orders where account_id = any($1::uuid[]) and created_at > $2
      and (leg is null or leg = 'entry' or order_class = 'oco' and leg = 'take_profit')`,
};

/** $1-$14 one array a column, $15 the time of acceptance. */
export const INSERT_ORDERS: Statement = {
  name: 'intake-insert-orders',
  text: `insert into orders (id, account_id, asset_id, shard, client_order_id, side, type,
      time_in_force, qty, limit_price, bound_price, fee_bps, extended_hours, hold,
      created_at, updated_at)
    select u.*, $15::timestamptz, $15 from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[],
      $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[],
      $12::int[], $13::bool[], $14::bigint[]) as u`,
};

/** As INSERT_ORDERS, $1-$15; $16-$25 what only some orders have. */
export const INSERT_SPECIAL_ORDERS: Statement = {
  name: 'intake-insert-special-orders',
  text: `insert into orders (id, account_id, asset_id, shard, client_order_id, side, type,
      time_in_force, qty, limit_price, bound_price, fee_bps, extended_hours, hold, status, notional,
      stop_price, trail_price, trail_percent, order_class, leg, group_id, replaces, triggered_at,
      created_at, updated_at)
    select u.*, $15::timestamptz, $15 from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[],
      $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[],
      $12::int[], $13::bool[], $14::bigint[], $16::text[], $17::bigint[], $18::bigint[],
      $19::bigint[], $20::int[], $21::text[], $22::text[], $23::uuid[], $24::uuid[],
      $25::timestamptz[]) as u`,
};

/** $1 ids of legs: they wait for their entry. */
export const PARK_LEGS: Statement = {
  name: 'intake-park-legs',
  text: `insert into parked_orders (order_id, account_id, asset_id, shard, waits_for, seq)
    select id, account_id, asset_id, shard, 'entry', 0 from orders where id = any($1::uuid[])`,
};

/**
 * $1 shards, $2 kinds, $3 order ids, $4 account ids, $5-$7 of a replacement, $8 time. The identity
 * column numbers them.
 */
export const INSERT_WORK: Statement = {
  name: 'intake-insert-work',
  text: `insert into work_items (shard, kind, order_id, account_id, new_order_id, total_qty,
      if_version, created_at)
    select shard, kind, order_id, account_id, new_order_id, total_qty, if_version, $8::timestamptz
    from unnest($1::int[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::int[])
      with ordinality
      as u (shard, kind, order_id, account_id, new_order_id, total_qty, if_version, place)
    order by place`,
};

/** $1 account ids, $2 event ids, $3 types, $4 order ids, $5 status, $6 version, $7-$9 so far, $10 time. */
export const INSERT_EVENTS: Statement = {
  name: 'intake-insert-events',
  text: `insert into account_events (account_id, event_id, type, order_id, order_status,
      order_version, filled_qty, filled_value, fees, occurred_at)
    select u.*, $10::timestamptz from unnest($1::uuid[], $2::bigint[], $3::text[], $4::uuid[],
      $5::text[], $6::int[], $7::bigint[], $8::bigint[], $9::bigint[]) as u`,
};

/** $1 account ids, $2 additional cash held, $3 the last event id given out. */
export const UPDATE_ACCOUNTS: Statement = {
  name: 'intake-update-accounts',
  text: `update accounts a set cash_held = a.cash_held + u.held, last_event_id = u.last_event_id
    from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as u (id, held, last_event_id)
    where a.id = u.id`,
};

/** $1 account ids, $2 asset ids, $3 additional quantity held. */
export const UPDATE_POSITIONS: Statement = {
  name: 'intake-update-positions',
  text: `update positions p set held = p.held + u.held
    from unnest($1::uuid[], $2::uuid[], $3::bigint[]) as u (account_id, asset_id, held)
    where p.account_id = u.account_id and p.asset_id = u.asset_id`,
};

/** $1 account ids, $2 keys, $3 request hashes (hex), $4 order ids, $5 refusals (JSON text). */
export const INSERT_IDEMPOTENCY_KEYS: Statement = {
  name: 'intake-insert-idempotency-keys',
  text: `insert into idempotency_keys (account_id, key, request_hash, order_id, refusal)
    select u.account_id, u.key, decode(u.hash, 'hex'), u.order_id, u.refusal::jsonb
    from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[])
      as u (account_id, key, hash, order_id, refusal)`,
};
