import { expect } from 'chai';
import type { Knex } from 'knex';
import { proveLedger } from '../../src/ledger/proof.js';
import { eventually } from './eventually.js';

/**
 * Checks, when all work is done, that nothing was lost or done twice: every acknowledged order is
 * there and was worked on, fills equal executions, holds equal what open orders need, every account's
 * events are without a gap, and the ledger balances.
 */
export async function expectBooksInOrder(
  knex: Knex,
  acknowledged: readonly string[],
  withinMs: number,
): Promise<void> {
  await eventually(async () => {
    expect(await count(knex, `select count(*) from work_items`), 'work left').to.equal(0);
  }, withinMs);
  const missing = await count(
    knex,
    `select count(*) from unnest(?::uuid[]) as acked (id)
     where not exists (select from orders o where o.id = acked.id and o.status <> 'accepted')`,
    [[...acknowledged]],
  );
  expect(missing, 'acknowledged orders that are missing or not worked').to.equal(0);
  const misfilled = await count(
    knex,
    `select count(*) from orders o left join (
       select order_id, sum(qty) as qty, sum(value) as value from (
         select taker_order_id as order_id, qty, value from executions
         union all select maker_order_id, qty, value from executions
       ) sides group by order_id
     ) e on e.order_id = o.id
     where o.filled_qty <> coalesce(e.qty, 0) or o.filled_value <> coalesce(e.value, 0)`,
  );
  expect(misfilled, 'orders whose fills are not their executions').to.equal(0);
  expect(await count(knex, WRONG_HOLDS), 'holds that are not what open orders need').to.equal(0);
  expect(await count(knex, EVENT_GAPS), 'accounts with a gap in their events').to.equal(0);
  const proof = await proveLedger(knex);
  expect(proof).to.include({ balanced: true, mismatchedBalances: 0 });
}

const WRONG_HOLDS = `
  select count(*) from (
    select a.id from accounts a left join orders o on o.account_id = a.id and o.side = 'buy'
    group by a.id having a.cash_held <> coalesce(sum(o.hold), 0)
    union all
    select p.account_id from positions p left join orders o
      on o.account_id = p.account_id and o.asset_id = p.asset_id and o.side = 'sell'
    group by p.account_id, p.asset_id having p.held <> coalesce(sum(o.hold), 0)
  ) wrong`;

const EVENT_GAPS = `
  select count(*) from accounts a left join (
    select account_id, count(*) as events, max(event_id) as last from account_events group by 1
  ) e on e.account_id = a.id
  where coalesce(e.events, 0) <> a.last_event_id or coalesce(e.last, 0) <> a.last_event_id`;

async function count(knex: Knex, sql: string, bindings: readonly unknown[] = []): Promise<number> {
  const { rows } = await knex.raw<{ rows: { count: bigint }[] }>(sql, bindings as never);
  return Number(rows[0]!.count);
}
