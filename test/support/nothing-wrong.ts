import { inspect } from 'node:util';
import { expect } from 'chai';
import type { Knex } from 'knex';

/** Each finds what must not be at a moment at which no work waits; by what it finds. */
const WRONG_WHEN_SETTLED: Record<string, string> = {
  'books whose best prices cross': `
    select bid.asset_id from book_orders bid join book_orders ask using (asset_id)
    where bid.side = 'buy' and ask.side = 'sell' and -bid.rank >= ask.rank`,
  'open orders that wait nowhere or twice': `
    select o.id from orders o
    left join (
      select order_id from book_orders union all select order_id from parked_orders
    ) w on w.order_id = o.id
    group by o.id having count(w.order_id) <> (o.closed_at is null)::int`,
  'orders in the book with another quantity than they have left': `
    select o.id from book_orders b join orders o on o.id = b.order_id
    where b.remaining <> o.qty - o.filled_qty or abs(b.rank) <> o.limit_price`,
  'legs that are open though the other one or the entry ended': `
    select a.group_id, a.id, a.leg, a.status, b.id as other, b.leg as other_leg,
      b.status as other_status, b.reason
    from orders a join orders b using (group_id)
    where a.closed_at is null and a.leg <> 'entry' and b.leg <> a.leg
      and (b.status in ('canceled', 'expired') or b.status = 'rejected' and b.replaces is null
        or b.status = 'filled' and b.leg <> 'entry')
      -- a stop loss that was reached goes on without its take profit
      and not (b.leg = 'take_profit' and b.reason = 'group' and a.triggered_at is not null)`,
  'pairs that hold something twice': `
    select a.group_id from orders a join orders b using (group_id)
    where a.leg = 'take_profit' and b.leg = 'stop_loss' and a.hold > 0 and b.hold > 0`,
  'open orders that hold something else than they need': `
    select id, type, side, leg, status, hold, qty, filled_qty, bound_price, notional, replaces
    from orders where closed_at is null and status <> 'held'
      and hold <> (case when side = 'sell' then qty - filled_qty else
        ceil(bound_price::numeric * (qty - filled_qty) * (10000 + fee_bps) / 1e13) end)
      and not (leg = 'stop_loss' and hold = 0) and not (notional is not null and status = 'accepted')`,
  'orders whose last event is not as they are': `
    select o.id from orders o join (
      select distinct on (order_id) * from account_events
      order by order_id, order_version desc, event_id desc
    ) e on e.order_id = o.id
    where e.order_status <> o.status or e.order_version > o.version
      or o.closed_at is not null and e.order_version <> o.version
      or e.filled_qty <> o.filled_qty or e.filled_value <> o.filled_value or e.fees <> o.fees`,
  'orders at the venue without their open route, or the other way round': `
    select o.id, o.status, r.status as route from orders o
    left join parked_orders p on p.order_id = o.id and p.waits_for = 'venue'
    left join venue_routes r on r.id = o.route_id and r.status = 'open'
    where (o.route_id is null) <> (p.order_id is null) or (o.route_id is null) <> (r.id is null)
      or r.qty - r.filled_qty <> o.qty - o.filled_qty`,
  'replaced orders without their successor': `
    select o.id from orders o left join orders s on s.id = o.replaced_by and s.replaces = o.id
    where (o.status = 'replaced') <> (s.id is not null) or s.status = 'rejected'`,
};

/** When everything has been cancelled. */
const WRONG_WHEN_CLOSED: Record<string, string> = {
  'orders that are open': `select id from orders where closed_at is null or hold <> 0`,
  'rows that wait': `select order_id from work_items union all select order_id from book_orders
    union all select order_id from parked_orders`,
  'accounts that hold cash': `select id from accounts where cash_held <> 0`,
  'positions that are held': `select account_id from positions where held <> 0`,
};

/** Checks what holds whenever no work waits. */
export const expectSettled = (knex: Knex): Promise<void> => expectNone(knex, WRONG_WHEN_SETTLED);

/** Checks that cancelling everything has left nothing behind. */
export async function expectClosed(knex: Knex): Promise<void> {
  await expectNone(knex, WRONG_WHEN_CLOSED);
  await expectSettled(knex);
}

async function expectNone(knex: Knex, wrong: Record<string, string>): Promise<void> {
  for (const [what, sql] of Object.entries(wrong)) {
    const { rows } = await knex.raw<{ rows: object[] }>(`${sql} limit 3`);
    if (rows.length > 0) expect.fail(`${what}: ${inspect(rows)}`);
  }
}
