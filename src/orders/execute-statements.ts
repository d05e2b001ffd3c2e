import type { Statement } from '../db.js';
import { SETTLEMENT_GATE } from '../risk/settlement-gate.js';

/**
 * What an execution pass claims, locks and reads, in the order it runs. Each works on the whole pass
 * (`unnest` of parallel arrays): statements a pass stay constant, whatever number of symbols and
 * orders it settles. What it writes is in `settlement-statements`.
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

const orderColumns = (
  hwm: string,
): string => `o.id, o.account_id as "accountId", o.asset_id as "assetId", o.shard, o.side, o.type,
  o.time_in_force as "timeInForce", o.qty, o.notional, o.limit_price as "limitPrice",
  o.stop_price as "stopPrice", o.trail_price as "trailPrice", o.trail_percent as "trailPercent",
  o.order_class as "orderClass", o.leg, o.group_id as "groupId",
  o.bound_price as "boundPrice", o.fee_bps as "feeBps",
  o.status, o.reason, o.filled_qty as "filledQty", o.filled_value as "filledValue", o.fees, o.hold, o.version,
  o.replaced_by as "replacedBy", o.route_id as "routeId", o.triggered_at as "triggeredAt", ${hwm} as hwm, o.created_at as "createdAt"`;

const ORDER_COLUMNS = orderColumns('o.hwm');

/**
 * Of orders that may end without having been read as armed stops: a trailing stop with the best price
 * that is written where it waits. The others do not look there.
 */
const ENDING_ORDER_COLUMNS = orderColumns(`case when o.type = 'trailing_stop' then
    coalesce((select p.hwm from parked_orders p where p.order_id = o.id), o.hwm) end`);

/** $1 shards, $2 items a shard: waiting work in sequence order, with the order it is about. */
export const TAKE_WORK: Statement = {
  name: 'execute-take-work',
  text: `select w.id as seq, w.kind, w.created_at as "waitingSince", w.attempts, w.reason as cause,
      w.new_order_id as "newOrderId", w.total_qty as "totalQty", w.if_version as "ifVersion",
      ${ENDING_ORDER_COLUMNS}
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
  text: `select a.id, a.symbol, a.class, a.routing, a.tradable and a.status = 'active' as "isTradable",
      a.price_increment as "priceIncrement", a.min_trade_increment as "minTradeIncrement",
      coalesce(m.last_price, m.reference_price) as price, b.lower, b.upper
    from assets a join market_prices m on m.asset_id = a.id
    left join price_bands b on b.asset_id = a.id and a.band_bps is not null
    where a.id = any($1::uuid[])`,
};

/** $1 order ids. */
export const LOAD_ORDERS: Statement = {
  name: 'execute-load-orders',
  text: `select ${ORDER_COLUMNS} from orders o where o.id = any($1::uuid[])`,
};

/** $1 ids of open orders: where they wait. */
export const ORDER_PLACES: Statement = {
  name: 'execute-order-places',
  text: `select order_id as "orderId", seq, null::text as "waitsFor",
      null::timestamptz as "releaseAt" from book_orders where order_id = any($1::uuid[])
    union all
    select order_id, seq, waits_for, release_at
      from parked_orders where order_id = any($1::uuid[])`,
};

/** $1 order ids: what was given to the external venue of them, the oldest first. */
export const LOAD_ROUTES: Statement = {
  name: 'execute-load-routes',
  text: `select r.id, r.order_id as "orderId", r.account_id as "accountId", r.asset_id as "assetId",
      a.symbol, r.shard, r.side, r.qty, r.limit_price as "limitPrice",
      r.reference_price as "referencePrice", r.good_until as "goodUntil", r.status, r.reason,
      r.filled_qty as "filledQty", r.applied_sequence as "appliedSequence", r.ends_as as "endsAs",
      r.ends_reason as "endsReason", r.close_reason as "closeReason", r.disputed
    from venue_routes r join assets a on a.id = r.asset_id
    where r.order_id = any($1::uuid[]) order by r.id`,
};

/** $1 order ids: what the venue has said of them and has not taken effect. */
export const LOAD_REPORTS: Statement = {
  name: 'execute-load-reports',
  text: `select p.route_id as "routeId", p.sequence, p.type, p.symbol, p.side,
      p.execution_id as "executionId", p.price, p.qty, p.total_qty as "totalQty", p.reason
    from venue_routes r join venue_reports p on p.route_id = r.id
    where r.order_id = any($1::uuid[]) and p.sequence > r.applied_sequence
    order by p.route_id, p.sequence`,
};

/** $1 group ids: their open orders, without replacements whose turn has not come. */
export const LOAD_GROUPS: Statement = {
  name: 'execute-load-groups',
  text: `select ${ENDING_ORDER_COLUMNS} from orders o
    where o.group_id = any($1::uuid[]) and o.closed_at is null
      and not exists (select from work_items w
        where w.order_id = o.replaces and w.kind = 'replace' and w.new_order_id = o.id)
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

/** $1 shard: its first item could not be worked on. */
export const COUNT_ATTEMPT: Statement = {
  name: 'execute-count-attempt',
  text: `update work_items w set attempts = w.attempts + 1
    where w.shard = $1 and w.id = (
      select first.id from work_items first where first.shard = $1 order by first.id limit 1
    ) returning w.order_id as "orderId", w.attempts`,
};
