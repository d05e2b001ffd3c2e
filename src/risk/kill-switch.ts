import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { isRetryable } from '../db.js';
import { killSwitchActive } from '../metrics.js';

/** Orders that one statement puts into the sequence. */
const PAGE = 5_000;
const PAGES_MAX = 1_000;
const ATTEMPTS_MAX = 4;

/** Written into the work item, and from there into the cancelled order. */
export const KILL_REASON = 'kill_switch';

interface Kills {
  readonly isGlobal: boolean;
  readonly accountIds: readonly string[];
}

/**
 * Puts a cancellation into the sequence for every open order of everybody whose kill switch is on,
 * unless one is under way. Safe to call at any time, from any process: right after the switch was
 * turned on, and again and again afterwards, which finishes what a dead process left and finds what
 * came in at the very moment.
 * @param nudge told after every page which shards have work; those that still have some, too
 * @returns how many cancellations were added
 */
export async function cancelKilled(
  knex: Knex,
  nudge: (shards: readonly number[]) => void,
): Promise<number> {
  const kills = await readKills(knex);
  if (!kills.isGlobal && kills.accountIds.length === 0) return 0;
  let added = 0;
  for (let page = 0; page < PAGES_MAX; page++) {
    const shards = await retried(() => cancelPage(knex, kills));
    added += shards.length;
    if (shards.length > 0) nudge([...new Set(shards)]);
    if (shards.length < PAGE) break;
  }
  nudge(await shardsWithKills(knex)); // an earlier nudge may have got lost with Redis
  return added;
}

async function readKills(knex: Knex): Promise<Kills> {
  const rows = await knex('trading_blocks')
    .where({ kind: 'kill' })
    .select<{ target: string | null }[]>('target');
  const accountIds = rows.map(({ target }) => target).filter((target) => target !== null);
  const isGlobal = rows.length > accountIds.length;
  killSwitchActive.set({ scope: 'global' }, isGlobal ? 1 : 0);
  killSwitchActive.set({ scope: 'account' }, accountIds.length);
  return { isGlobal, accountIds };
}

/**
 * Open orders are found through the work list, what is parked, and the book: in the order in which
 * an order passes through them, and each by its index of accounts. Their accounts are locked as for
 * any cancellation, so that intake, which adds some under that lock, never meets one of these that it
 * has not seen. Rows go in by order id: two that do this at once wait for each other in one direction.
 */
async function cancelPage(knex: Knex, { isGlobal, accountIds }: Kills): Promise<number[]> {
  const whose = isGlobal ? 'true' : 'account_id = any(?::uuid[])';
  const bindings = isGlobal ? [] : [accountIds, accountIds, accountIds];
  const { rows } = await knex.raw<{ rows: { shard: number }[] }>(
    `with open as materialized (
       select shard, order_id, account_id
       from (
         select shard, order_id, account_id from work_items
         where kind in ('place', 'release') and ${whose}
         union all select shard, order_id, account_id from parked_orders where ${whose}
           and not (waits_for = 'venue' and exists (select from venue_routes r
             where r.order_id = parked_orders.order_id and r.status = 'open' and r.ends_as is not null))
         union all select shard, order_id, account_id from book_orders where ${whose}
       ) listed
       where not exists (
         select from work_items pending
         where pending.order_id = listed.order_id and pending.kind = 'cancel')
       limit ${PAGE}
     ), locked as materialized (
       select id from accounts where id in (select account_id from open)
       order by id for no key update
     )
     insert into work_items (shard, kind, order_id, account_id, created_at, reason)
     select shard, 'cancel', order_id, account_id, clock_timestamp(), '${KILL_REASON}'
     from open join locked on locked.id = open.account_id
     order by order_id
     on conflict do nothing
     returning shard`,
    bindings as never,
  );
  return rows.map(({ shard }) => shard);
}

/** A deadlock with a settlement is not the caller's business: the page is simply done again. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isRetryable(error) || attempt >= ATTEMPTS_MAX) throw error;
      await sleep(Math.random() * 20 * attempt);
    }
  }
}

async function shardsWithKills(knex: Knex): Promise<number[]> {
  const rows = await knex('work_items')
    .where({ kind: 'cancel', reason: KILL_REASON })
    .distinct<{ shard: number }[]>('shard');
  return rows.map(({ shard }) => shard);
}
