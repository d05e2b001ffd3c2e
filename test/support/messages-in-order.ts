import { expect } from 'chai';
import type { Knex } from 'knex';
import { eventually } from './eventually.js';

/** Of each order: what its messages tell that was executed, and what was. */
const TOLD = `
  select count(*)::int as wrong from orders o
  join accounts a on a.id = o.account_id and a.kind = 'client'
  left join (
    select m.data->>'order_id' as order_id, sum((m.data->>'executed_qty')::numeric) as qty,
      sum((m.data->>'value')::numeric) as value, sum((m.data->>'executions')::int) as executions
    from messages m where m.event like 'order.%' group by 1
  ) told on told.order_id = o.id::text
  left join (
    select order_id, count(*) as executions from (
      select taker_order_id as order_id from executions
      union all select maker_order_id from executions
    ) sides group by 1
  ) done on done.order_id = o.id
  where coalesce(told.qty, 0) * 1000000000 <> o.filled_qty
    or coalesce(told.value, 0) * 10000 <> o.filled_value
    or coalesce(told.executions, 0) <> coalesce(done.executions, 0)`;

/** Clients whose list has a gap or something twice. */
const GAPS = `
  select count(*)::int as wrong from message_receivers r
  where r.last_number <> (select count(*) from messages m
    where m.client_id = r.client_id and m.number between 1 and r.last_number)`;

/** Facts that are in no message, or in that of another order. */
const LOST = `
  select count(*)::int as wrong from notifications n left join messages m on m.id = n.message_id
  where m.data->>'order_id' is distinct from n.order_id::text`;

/** Asserts that every execution is told once, in lists without gaps. */
export async function expectMessagesInOrder(knex: Knex, withinMs: number): Promise<void> {
  const wrong = async (sql: string): Promise<number> =>
    (await knex.raw<{ rows: { wrong: number }[] }>(sql)).rows[0]!.wrong;
  await eventually(async () => {
    expect(await wrong(LOST), 'facts without a message').to.equal(0);
  }, withinMs);
  expect(await wrong(TOLD), 'orders whose messages do not add up').to.equal(0);
  expect(await wrong(GAPS), 'lists with gaps').to.equal(0);
}
