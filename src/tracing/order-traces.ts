import type { Context } from '@opentelemetry/api';
import type { Knex } from 'knex';
import type { Statement, Tx } from '../db.js';
import { isTracing, placeOf } from './spans.js';

/** What a client asked for, and in which trace that was. */
export interface OrderTrace {
  readonly orderId: string;
  readonly kind: 'place' | 'cancel' | 'replace';
  readonly traceparent: string;
}

/** $1 order ids, $2 kinds, $3 traceparents, $4 time. Who asks for the same again asks anew. */
const WRITE: Statement = {
  name: 'tracing-write',
  text: `insert into order_traces (order_id, kind, traceparent, created_at)
    select u.*, $4::timestamptz from unnest($1::uuid[], $2::text[], $3::text[]) as u
    on conflict (order_id, kind)
      do update set traceparent = excluded.traceparent, created_at = excluded.created_at`,
};

/** $1 order ids. */
const READ: Statement = {
  name: 'tracing-read',
  text: `select order_id as "orderId", kind, traceparent from order_traces
    where order_id = any($1::uuid[]) order by order_id, created_at`,
};

/** Notes where orders come from, in the transaction that accepts them. */
export const writeOrderTraces = (tx: Tx, rows: readonly OrderTrace[], now: Date) =>
  tx.run(WRITE, [
    rows.map(({ orderId }) => orderId),
    rows.map(({ kind }) => kind),
    rows.map(({ traceparent }) => traceparent),
    now,
  ]);

/** An item of the work list, as far as its trace is concerned. */
interface TracedItem {
  readonly kind: string;
  readonly newOrderId: string | null;
  readonly order: { readonly id: string };
}

/** The traces to which work on some orders belongs. */
export class OrderTraces {
  static readonly NONE = new OrderTraces([]);
  private readonly latest = new Map<string, Context>();
  private readonly byKind = new Map<string, Context>();

  private constructor(rows: readonly OrderTrace[]) {
    for (const { orderId, kind, traceparent } of rows) {
      const place = placeOf(traceparent);
      this.latest.set(orderId, place);
      this.byKind.set(`${orderId} ${kind}`, place);
    }
  }

  /** Those of orders, read on the order path; nothing is asked while tracing is off. */
  static async read(tx: Tx, orderIds: readonly string[]): Promise<OrderTraces> {
    if (!isTracing() || orderIds.length === 0) return OrderTraces.NONE;
    return new OrderTraces(await tx.run<OrderTrace>(READ, [orderIds]));
  }

  /** The same elsewhere. */
  static async find(knex: Knex, orderIds: readonly string[]): Promise<OrderTraces> {
    if (!isTracing() || orderIds.length === 0) return OrderTraces.NONE;
    const { rows } = await knex.raw<{ rows: OrderTrace[] }>(READ.text.replace('$1', '?'), [
      [...orderIds],
    ]);
    return new OrderTraces(rows);
  }

  /** That of the request for the work. What no client asked for belongs to the order's first one. */
  ofWork({ kind, newOrderId, order }: TracedItem): Context | undefined {
    const id = newOrderId ?? order.id;
    return this.byKind.get(`${id} ${kind}`) ?? this.byKind.get(`${id} place`);
  }

  /** That of what was last asked for: what becomes of the order is the answer to it. */
  of(orderId: string): Context | undefined {
    return this.latest.get(orderId);
  }
}
