import type { Knex } from 'knex';
import { tradeValue } from '../../../src/domain/money.js';
import type { MarketDay } from './market-day.js';

/** Rows of one insert; Postgres takes 65,535 parameters. */
const CHUNK = 2_000;

/**
 * Writes a day into the tables as intake and settlement would have: orders as they ended, executions,
 * and every account's log of events without a gap. Balances are not touched; nobody looks at them.
 */
export async function writeDay(knex: Knex, day: MarketDay): Promise<void> {
  await knex.batchInsert('orders', day.orders.map(orderRow), CHUNK);
  await knex.batchInsert('executions', day.trades.map(executionRow), CHUNK);
  await knex.batchInsert('account_events', eventRows(day), CHUNK);
}

const time = (ms: number): Date => new Date(ms);

const orderRow = (order: MarketDay['orders'][number]) => ({
  id: order.id,
  account_id: order.accountId,
  asset_id: order.asset.id,
  shard: order.asset.shard,
  client_order_id: order.id,
  side: order.side,
  type: order.type,
  time_in_force: 'day',
  qty: order.qty.toString(),
  limit_price: order.limitPrice?.toString() ?? null,
  bound_price: order.boundPrice.toString(),
  fee_bps: 0,
  status: order.status,
  filled_qty: order.filledQty.toString(),
  filled_value: order.filledValue.toString(),
  hold: 0,
  reason: order.reason,
  replaces: order.replaces,
  replaced_by: order.replacedBy,
  created_at: time(order.createdAt),
  updated_at: time(order.closedAt!),
  closed_at: time(order.closedAt!),
});

const executionRow = ({ id, taker, maker, price, qty, at }: MarketDay['trades'][number]) => ({
  id,
  taker_order_id: taker.id,
  maker_order_id: maker.id,
  asset_id: taker.asset.id,
  taker_side: taker.side,
  price: price.toString(),
  qty: qty.toString(),
  value: tradeValue(price, qty).toString(),
  taker_fee: 0,
  maker_fee: 0,
  executed_at: time(at),
});

function eventRows({ events }: MarketDay) {
  const last = new Map<string, number>();
  return events
    .toSorted((a, b) => a.at - b.at)
    .map(({ accountId, type, order, status, filledQty, filledValue, trade, at }) => {
      const eventId = (last.get(accountId) ?? 0) + 1;
      last.set(accountId, eventId);
      return {
        account_id: accountId,
        event_id: eventId,
        type,
        order_id: order.id,
        order_status: status,
        order_version: 1,
        filled_qty: filledQty.toString(),
        filled_value: filledValue.toString(),
        fees: 0,
        execution_id: trade?.id ?? null,
        price: trade?.price.toString() ?? null,
        qty: trade?.qty.toString() ?? null,
        occurred_at: time(at),
      };
    });
}
