import type { Knex } from 'knex';
import type { MarketHours } from '../domain/clock.js';
import { TradingHours } from '../domain/sessions.js';

const PAGE = 1_000;

/**
 * Puts orders whose session begins into the sequence, in the order in which they came to wait. The
 * row leaves where it waited in the same statement: an order is released once.
 */
const RELEASE_DUE = `
  with due as (
    delete from parked_orders where order_id = any(array(
      select order_id from parked_orders
      where waits_for = 'session' and release_at <= :now
      order by release_at, seq limit :page for update skip locked))
    returning order_id, shard, account_id, release_at, seq
  )
  insert into work_items (shard, kind, order_id, account_id, created_at)
  select shard, 'release', order_id, account_id, :now from due order by release_at, seq
  returning shard`;

/** Open day orders that were accepted before the market closed; one item each, however often. */
const EXPIRE_OVERDUE = `
  insert into work_items (shard, kind, order_id, account_id, created_at)
  select o.shard, 'expire', o.id, o.account_id, :now
  from (
    select order_id from book_orders
    union select order_id from parked_orders where waits_for <> 'session'
  ) waiting
  join orders o on o.id = waiting.order_id
  join assets a on a.id = o.asset_id
  where o.time_in_force = 'day' and a.class = :class and o.created_at < :close
    and not exists (select from work_items w where w.order_id = o.id and w.kind = 'expire')
  order by o.created_at, o.id limit :page
  on conflict do nothing
  returning shard`;

/** The last price before a close becomes the previous close, once. A first start only notes it. */
const KEEP_CLOSE = `
  with locked as (
    select m.asset_id from market_prices m join assets a on a.id = m.asset_id
    where a.class = :class and (m.closed_at is null or m.closed_at < :close)
    order by m.asset_id for no key update of m
  )
  update market_prices m
  set previous_close = case when m.closed_at is null then m.previous_close
      else coalesce(m.last_price, m.reference_price) end,
    closed_at = :close
  from locked where m.asset_id = locked.asset_id`;

/**
 * The work that time brings: releases what waits for a session, keeps the closing prices and
 * expires day orders once their market has closed. Releases come first, so that orders for the close still meet the book.
 */
export class SessionWork {
  /** The close by class for which all overdue orders were found; a new process looks again. */
  private readonly doneFor = new Map<string, number>();

  constructor(
    private readonly knex: Knex,
    private readonly hours: MarketHours,
  ) {}

  /** Safe to call any number of times, in any number of processes. @returns shards with new work */
  async run(now: Date): Promise<number[]> {
    const shards = await this.repeat(RELEASE_DUE, { now });
    const hours = new TradingHours(this.hours, now);
    for (const assetClass of ['us_equity', 'crypto'] as const) {
      const { lastClose: close } = hours.of(assetClass);
      if (this.doneFor.get(assetClass) === close.getTime()) continue;
      await this.knex.raw(KEEP_CLOSE, { close, class: assetClass });
      shards.push(...(await this.repeat(EXPIRE_OVERDUE, { now, close, class: assetClass })));
      this.doneFor.set(assetClass, close.getTime());
    }
    return [...new Set(shards)];
  }

  /** Page after page, until a page is not full. */
  private async repeat(sql: string, bindings: Record<string, Date | string>): Promise<number[]> {
    const shards = new Set<number>();
    for (;;) {
      const { rows } = await this.knex.raw<{ rows: { shard: number }[] }>(sql, {
        ...bindings,
        page: PAGE,
      });
      for (const { shard } of rows) shards.add(shard);
      if (rows.length < PAGE) return [...shards];
    }
  }
}
