/**
 * What a window reads. Orders and executions are read by ranges of their primary keys (the ids are
 * made in the order of time) and by lookups, never by a scan; `limit 1` and `offset 0` keep the
 * planner from turning the lookups into one. The work is done in the database and little comes
 * back: the process may be one that executes orders as well.
 */

/** An order of a trade, found by its id. */
const orderOf = (column: string, alias: string): string => `cross join lateral (
      select o.account_id, o.qty, o.created_at from orders o where o.id = e.${column} limit 1
    ) ${alias}`;

/** The newest executions of an id range, with who bought from whom. */
const trades = (from: string, to: string): string => `trades as materialized (
    select e.id, e.asset_id, e.price, e.qty, e.value, e.executed_at,
      case when e.taker_side = 'buy' then t.account_id else m.account_id end as buyer,
      case when e.taker_side = 'buy' then m.account_id else t.account_id end as seller,
      case when e.taker_side = 'buy' then e.taker_order_id else e.maker_order_id end as buy_order_id,
      case when e.taker_side = 'buy' then e.maker_order_id else e.taker_order_id end as sell_order_id,
      case when e.taker_side = 'buy' then t.qty else m.qty end as buy_order_qty,
      case when e.taker_side = 'buy' then m.qty else t.qty end as sell_order_qty,
      case when e.taker_side = 'buy' then t.created_at else m.created_at end as buy_order_at,
      case when e.taker_side = 'buy' then m.created_at else t.created_at end as sell_order_at
    from (
      select * from executions where id >= ${from}::uuid and id < ${to}::uuid
      order by id desc limit :rowsMax
    ) e
    ${orderOf('taker_order_id', 't')}
    ${orderOf('maker_order_id', 'm')}
  )`;

/** The first id of an order or an execution from :from on: silence is skipped. */
export const NEXT_IDS = `
  (select id from orders where id >= :from::uuid order by id limit 1)
  union all
  (select id from executions where id >= :from::uuid order by id limit 1)`;

/**
 * Accounts that traded with each other in the window and share something. A value that more than
 * :sharedMax accounts have links nobody, but for the client: an office, a test number.
 */
export const LINKED_PAIRS = `
  with ${trades(':fromId', ':toId')},
  pairs as materialized (
    select distinct least(buyer, seller) as one, greatest(buyer, seller) as other
    from trades where buyer <> :maker::uuid and seller <> :maker::uuid
  )
  select pairs.one, pairs.other, array_agg(shared.kind order by shared.kind) as shared
  from pairs
  cross join lateral (
    select kind, value from account_link_keys where account_id = pairs.one
    intersect
    select kind, value from account_link_keys where account_id = pairs.other
  ) shared
  where shared.kind = 'client' or (
    select count(*) from (
      select 1 from account_link_keys k where k.kind = shared.kind and k.value = shared.value
      limit :sharedMax + 1
    ) alike) <= :sharedMax
  group by pairs.one, pairs.other
  order by pairs.one, pairs.other limit :pairsMax`;

/**
 * Trades since the context's beginning: of the linked pairs, and those between accounts that both
 * bought and sold, one at least half as much as the other, with how many trades each made.
 */
export const TELLING_TRADES = `
  with ${trades(':contextId', ':toId')},
  sides as (
    select buyer as account_id, asset_id, qty as bought, 0::bigint as sold from trades
    union all
    select seller, asset_id, 0, qty from trades
  ),
  activity as materialized (
    select account_id, asset_id, sum(bought) as bought, sum(sold) as sold, count(*) as trades
    from sides group by account_id, asset_id
  ),
  flat as materialized (
    select * from activity
    where bought > 0 and sold > 0 and account_id <> :maker::uuid
      and abs(bought - sold) * 2 <= greatest(bought, sold)
  )
  select t.id, t.asset_id as "assetId", t.price, t.qty, t.value, t.executed_at as "executedAt",
    t.buyer, t.seller, t.buy_order_id as "buyOrderId", t.sell_order_id as "sellOrderId",
    t.buy_order_qty as "buyOrderQty", t.sell_order_qty as "sellOrderQty",
    t.buy_order_at as "buyOrderAt", t.sell_order_at as "sellOrderAt",
    linked.one is not null as "isLinked", coalesce(b.trades, 0) as "buyerTrades",
    coalesce(s.trades, 0) as "sellerTrades"
  from trades t
  left join (select one, other from unnest(:ones::uuid[], :others::uuid[]) u (one, other)) linked
    on linked.one = least(t.buyer, t.seller) and linked.other = greatest(t.buyer, t.seller)
  left join flat b on b.account_id = t.buyer and b.asset_id = t.asset_id
  left join flat s on s.account_id = t.seller and s.asset_id = t.asset_id
  where linked.one is not null or (b.trades is not null and s.trades is not null)
  order by t.id desc limit :tradesMax`;

/**
 * Accounts whose orders since the context's beginning are worth a closer look: enough withdrawn on
 * one side with executions on the other, or many messages. The rules themselves are in the domain.
 */
export const BUSY_ACCOUNTS = `
  select o.account_id as "accountId", o.asset_id as "assetId"
  from (
    select id, account_id, asset_id, side, filled_qty, created_at, closed_at,
      status = 'canceled' and reason = 'requested' and closed_at < :to as withdrawn
    from orders where id >= :contextId::uuid and id < :toId::uuid
    order by id desc limit :rowsMax
  ) o
  where o.account_id <> :maker::uuid
  group by o.account_id, o.asset_id
  having (
      count(*) filter (where withdrawn and closed_at >= :from) > 0 and (
        count(*) filter (where withdrawn and side = 'buy') >= :layers
          and bool_or(side = 'sell' and filled_qty > 0)
        or count(*) filter (where withdrawn and side = 'sell') >= :layers
          and bool_or(side = 'buy' and filled_qty > 0)))
    or (count(*) + count(*) filter (where withdrawn) >= :burstMessages
      and bool_or(created_at >= :from or closed_at >= :from))
  order by count(*) desc limit :accountsMax`;

/** The orders that a busy account placed since the context's beginning, the newest. */
export const ORDERS_OF_ACCOUNTS = `
  select busy.account_id as "accountId", busy.asset_id as "assetId", o.id, o.side, o.qty,
    o.filled_qty as "filledQty", o.limit_price as "limitPrice", o.created_at as "createdAt",
    o.closed_at as "closedAt",
    coalesce(o.status = 'canceled' and o.reason = 'requested' and o.closed_at < :to, false)
      as "isWithdrawn"
  from unnest(:accounts::uuid[], :assets::uuid[]) busy (account_id, asset_id)
  cross join lateral (
    select * from orders o
    where o.account_id = busy.account_id and o.created_at >= :context and o.created_at < :to
    order by o.created_at desc, o.id desc limit :ordersMax
  ) o
  where o.asset_id = busy.asset_id
  order by o.created_at, o.id`;

/** The executions of a busy account since then, from its own log of events. */
export const FILLS_OF_ACCOUNTS = `
  select busy.account_id as "accountId", busy.asset_id as "assetId",
    e.execution_id as "executionId", e.order_id as "orderId", o.side, e.price, e.qty,
    o.qty as "orderQty", e.occurred_at as at
  from unnest(:accounts::uuid[], :assets::uuid[]) busy (account_id, asset_id)
  cross join lateral (
    select * from account_events e
    where e.account_id = busy.account_id
      and e.event_id >= first_event_at(busy.account_id, :context)
      and e.type in ('fill', 'partial_fill') and e.occurred_at >= :context and e.occurred_at < :to
    order by e.event_id desc limit :ordersMax
  ) e
  cross join lateral (select * from orders o where o.id = e.order_id limit 1) o
  where o.asset_id = busy.asset_id
  order by e.occurred_at, e.event_id`;

/** Adds the window's executions to the day's volumes. @returns the assets that traded */
export const ADD_VOLUMES = `
  with ${trades(':fromId', ':toId')},
  sides as (
    select asset_id, buyer as account_id, qty as bought, 0::bigint as sold, value from trades
    union all
    select asset_id, seller, 0, qty, value from trades
  ),
  added as (
    insert into surveillance_volumes (day, asset_id, account_id, bought, sold, value, trades)
    select :day::date, asset_id, account_id, sum(bought), sum(sold), sum(value), count(*)
    from sides group by asset_id, account_id order by asset_id, account_id
    on conflict (day, asset_id, account_id) do update set
      bought = surveillance_volumes.bought + excluded.bought,
      sold = surveillance_volumes.sold + excluded.sold,
      value = surveillance_volumes.value + excluded.value,
      trades = surveillance_volumes.trades + excluded.trades
    returning asset_id
  )
  select distinct asset_id as "assetId" from added`;

/** The day's volume of some assets; each trade stands there twice, on both its sides. */
export const ASSET_VOLUMES = `
  select asset_id as "assetId", sum(bought)::bigint as qty, (sum(value) / 2)::bigint as value,
    (sum(trades) / 2)::bigint as trades, count(*) as accounts
  from surveillance_volumes where day = :day::date and asset_id = any(:assets::uuid[])
  group by asset_id`;

/** Who bought or sold the most of an asset, with what their accounts are linked by. */
export const LARGEST_TRADERS = `
  select v.asset_id as "assetId", v.account_id as "accountId", v.bought, v.sold,
    array(select k.kind || ' ' || k.value from account_link_keys k
      where k.account_id = v.account_id and (k.kind = 'client' or (
        select count(*) from (
          select 1 from account_link_keys other
          where other.kind = k.kind and other.value = k.value limit :sharedMax + 1
        ) alike) <= :sharedMax)) as keys
  from unnest(:assets::uuid[]) a (asset_id)
  cross join lateral (
    select * from surveillance_volumes v
    where v.day = :day::date and v.asset_id = a.asset_id and v.account_id <> :maker::uuid
    order by greatest(v.bought, v.sold) desc limit :tradersMax
  ) v`;

/** The latest executions of some accounts in an asset within the window: evidence of a share. */
export const TRADES_OF_ACCOUNTS = `
  with ${trades(':fromId', ':toId')}
  select t.id, t.asset_id as "assetId", t.price, t.qty, t.value, t.executed_at as "executedAt",
    t.buyer, t.seller, t.buy_order_id as "buyOrderId", t.sell_order_id as "sellOrderId",
    t.buy_order_qty as "buyOrderQty", t.sell_order_qty as "sellOrderQty",
    t.buy_order_at as "buyOrderAt", t.sell_order_at as "sellOrderAt"
  from trades t
  where t.asset_id = :asset::uuid
    and (t.buyer = any(:accounts::uuid[]) or t.seller = any(:accounts::uuid[]))
  order by t.id desc limit :tradesMax`;
