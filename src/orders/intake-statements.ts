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
  text: `select id, cash, cash_held as "cashHeld", last_event_id as "lastEventId"
    from accounts where id = any($1::uuid[]) order by id for no key update`,
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

/** $1 ids of orders to cancel. Their final word is the worker's; this only refuses the obvious. */
export const FIND_CANCELABLE: Statement = {
  name: 'intake-find-cancelable',
  text: `select o.id, o.account_id as "accountId", o.shard, o.status,
      o.version, o.filled_qty as "filledQty", o.filled_value as "filledValue", o.fees,
      exists (select 1 from work_items w where w.order_id = o.id and w.kind = 'cancel')
        as "cancelPending"
    from orders o where o.id = any($1::uuid[])`,
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

/** $1 shards, $2 kinds, $3 order ids, $4 account ids, $5 time. The identity column numbers them. */
export const INSERT_WORK: Statement = {
  name: 'intake-insert-work',
  text: `insert into work_items (shard, kind, order_id, account_id, created_at)
    select shard, kind, order_id, account_id, $5::timestamptz
    from unnest($1::int[], $2::text[], $3::uuid[], $4::uuid[])
      with ordinality as u (shard, kind, order_id, account_id, place) order by place`,
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
