import type { Knex } from 'knex';
import type { Logger } from '../log.js';
import { BatchSpan } from '../tracing/batch-span.js';
import { OrderTraces } from '../tracing/order-traces.js';
import { writeMessages, type MessageDraft } from './messages.js';
import { orderMessage, type OrderFacts } from './order-message.js';
import { ADVISORY_LOCKS } from '../advisory-locks.js';

export interface GatherDeps {
  readonly knex: Knex;
  readonly log: Logger;
  /** How long an order's facts are gathered, from the first of them. */
  readonly windowMs: number;
  /** Told after a commit that there are new messages. Must neither wait nor throw. */
  readonly announce: (clientIds: readonly string[]) => void;
  /** Told after a commit that mails wait. Must neither wait nor throw. */
  readonly nudgeMails: () => void;
  readonly now?: () => Date;
}

/** Facts about one order that belong together. */
interface Group extends OrderFacts {
  clientId: string;
  accountId: string;
  factIds: bigint[];
  mailAnyway: boolean;
  happenedAt: Date;
}

/** Bounds what one look reads; what is left over follows in the next. */
const FACTS_MAX = 20_000;
/** Messages of one transaction. */
const ORDERS_MAX = 2_000;

/** Of all processes one gathers at a time: two would share out an order's facts between them. */
export const GATHER_LOCK = `select pg_advisory_xact_lock(${ADVISORY_LOCKS.gather})`;

/**
 * Orders whose time has come: something of them has waited for the window, or they are closed, and
 * with that all that waits of them. One statement, so the order is as its facts left it.
 */
const TAKE = `
  with open as (
    select * from notifications where delivered_at is null and due_at <= :now
    order by due_at, id limit :factsMax
  ), ready as (
    select order_id from open group by order_id
    having min(created_at) <= :since
      or bool_or(order_status in ('filled', 'canceled', 'expired', 'rejected', 'replaced'))
    order by min(created_at), order_id limit :ordersMax
  ), grouped as (
    select order_id, account_id, array_agg(id order by id) as "factIds",
      (array_agg(order_status order by id desc))[1] as status, sum(executions)::int as executions,
      sum(qty)::bigint as "executedQty", sum(value)::bigint as value, sum(fees)::bigint as fees,
      bool_or(mail_anyway) as "mailAnyway", min(created_at) as "happenedAt", max(id) as last_id
    from open join ready using (order_id) group by order_id, account_id
  )
  select g.order_id as "orderId", g.account_id as "accountId", g."factIds", g.status, g.executions,
    g."executedQty", g.value, g.fees, g."mailAnyway", g."happenedAt", a.client_id as "clientId",
    o.client_order_id as "clientOrderId", s.symbol, o.side, o.type, o.qty, o.notional,
    o.limit_price as "limitPrice", o.stop_price as "stopPrice", o.reason,
    o.filled_qty as "filledQty"
  from grouped g
  join accounts a on a.id = g.account_id
  join orders o on o.id = g.order_id
  join assets s on s.id = o.asset_id
  order by g.last_id`;

const MARK = `
  update notifications n set message_id = u.message_id, delivered_at = :now
  from unnest(:factIds::bigint[], :messageIds::uuid[]) as u (id, message_id) where n.id = u.id`;

/**
 * Makes messages of the facts about orders that are due, each fact once: reading, writing and marking
 * is one transaction. Whoever dies in it has done nothing.
 * @returns how many messages were written; 0 when nothing is due
 */
export async function gather(deps: GatherDeps): Promise<number> {
  const { knex, log, windowMs, announce, nudgeMails } = deps;
  const now = deps.now?.() ?? new Date();
  const startTime = new Date();
  let span = BatchSpan.NONE;
  const gathering = knex.transaction(async (trx) => {
    await trx.raw(GATHER_LOCK);
    const { rows } = await trx.raw<{ rows: Group[] }>(TAKE, {
      now,
      since: new Date(now.getTime() - windowMs),
      factsMax: FACTS_MAX,
      ordersMax: ORDERS_MAX,
    });
    if (rows.length === 0) return rows;
    const traces = await OrderTraces.find(
      trx,
      rows.map(({ orderId }) => orderId),
    );
    const attributes = { 'brokerx.messages': rows.length };
    span = BatchSpan.start('gather notifications', rows, ({ orderId }) => traces.of(orderId), {
      startTime,
      attributes,
    });
    await span.run(() => writeGroups(trx, rows, now));
    return rows;
  });
  const groups = await gathering.catch((error: unknown) => {
    span.end(error);
    throw error;
  });
  span.end();
  if (groups.length === 0) return 0;
  span.run(() => {
    announce([...new Set(groups.map(({ clientId }) => clientId))]);
    nudgeMails();
  });
  log.debug('notifications gathered', {
    messages: groups.length,
    facts: groups.reduce((sum, { factIds }) => sum + factIds.length, 0),
  });
  return groups.length;
}

async function writeGroups(
  trx: Knex.Transaction,
  groups: readonly Group[],
  now: Date,
): Promise<void> {
  const messageIds = await writeMessages(trx, groups.map(draftOf), now);
  await trx.raw(MARK, {
    now,
    factIds: groups.flatMap(({ factIds }) => factIds.map(String)),
    messageIds: groups.flatMap(({ factIds }, index) => factIds.map(() => messageIds[index]!)),
  });
}

/** Whoever wants to hear of executions hears of them also when the order's end is told with them. */
const draftOf = ({
  clientId,
  accountId,
  mailAnyway,
  happenedAt,
  ...facts
}: Group): MessageDraft => ({
  clientId,
  accountId,
  told: orderMessage(facts),
  ...(facts.executions > 0 && { alsoTells: ['order.partially_filled'] }),
  mailAnyway,
  happenedAt,
});

/** When the next open group is complete; null when there is none. */
export async function nextGatherAt(knex: Knex, windowMs: number): Promise<Date | null> {
  const row = await knex('notifications')
    .whereNull('delivered_at')
    .where('due_at', '<', 'infinity')
    .min<{ at: Date | null }>('due_at as at')
    .first();
  return row?.at ? new Date(row.at.getTime() + windowMs) : null;
}
