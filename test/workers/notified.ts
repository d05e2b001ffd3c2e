import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import winston from 'winston';
import { parseDecimal, PRICE_SCALE, QTY_SCALE } from '../../src/domain/money.js';
import type { OrderData, Told } from '../../src/notifications/events.js';
import { gather, type GatherDeps } from '../../src/notifications/gather.js';
import type { Mailer } from '../../src/notifications/mailer.js';
import { writeMessages } from '../../src/notifications/messages.js';
import type { Mail } from '../../src/notifications/letter.js';

export const usd = (text: string) => parseDecimal(text, PRICE_SCALE);
export const shares = (text: string) => parseDecimal(text, QTY_SCALE);

/** The time at which what is built here came about and is due. */
export const NOW = new Date('2026-11-20T15:00:00Z');
export const later = (ms: number) => new Date(NOW.getTime() + ms);

export interface Person {
  id: string;
  clientId: string;
  email: string;
}

/** Builds clients, orders of AAPL and facts about them in one database. */
export class Notified {
  private constructor(
    private readonly knex: Knex,
    private readonly assetId: string,
  ) {}

  static async in(knex: Knex): Promise<Notified> {
    const id = randomUUID();
    await knex('shards').insert({ id: 0 }).onConflict().ignore();
    await knex('assets').insert({
      id,
      symbol: 'AAPL',
      name: 'Apple',
      class: 'us_equity',
      exchange: 'TEST',
      shard: 0,
    });
    return new Notified(knex, id);
  }

  async account(firstName = 'Ada'): Promise<Person> {
    const [clientId, id] = [randomUUID(), randomUUID()];
    const email = `${clientId}@example.com`;
    await this.knex('clients').insert({
      id: clientId,
      email,
      first_name: firstName,
      last_name: 'Test',
      status: 'active',
    });
    await this.knex('accounts').insert({ id, client_id: clientId, account_number: id.slice(0, 8) });
    return { id, clientId, email };
  }

  async order(accountId: string, side: 'buy' | 'sell' = 'buy'): Promise<string> {
    const id = randomUUID();
    await this.knex('orders').insert({
      id,
      account_id: accountId,
      asset_id: this.assetId,
      shard: 0,
      client_order_id: id,
      side,
      type: 'limit',
      time_in_force: 'day',
      qty: shares('10'),
      limit_price: usd('151'),
      bound_price: usd('151'),
      fee_bps: 0,
      hold: 0,
      status: 'new',
      created_at: NOW,
      updated_at: NOW,
    });
    return id;
  }

  /** What a pass has to tell of an order. */
  async fact(terms: FactTerms): Promise<bigint> {
    const { accountId, executions = 1, qty = '2', value = '300.5', fees = '0', at = NOW } = terms;
    const isExecuted = executions > 0;
    const rows: { id: bigint }[] = await this.knex('notifications').insert(
      {
        kind: isExecuted ? 'order_executed' : 'order_changed',
        account_id: accountId,
        order_id: terms.orderId ?? (await this.order(accountId)),
        order_status: terms.status ?? 'partially_filled',
        executions,
        qty: isExecuted ? shares(qty) : 0,
        value: isExecuted ? usd(value) : 0,
        fees: isExecuted ? usd(fees) : 0,
        created_at: at,
        due_at: at,
      },
      'id',
    );
    return rows[0]!.id;
  }

  /** Gathers everything that is due. @returns how many messages were written */
  async gather(more: Partial<GatherDeps> = {}): Promise<number> {
    const deps: GatherDeps = {
      knex: this.knex,
      log: winston.createLogger({ silent: true }),
      windowMs: 10_000,
      announce: () => undefined,
      nudgeMails: () => undefined,
      now: () => NOW,
      ...more,
    };
    let all = 0;
    for (let some = await gather(deps); some > 0; some = await gather(deps)) all += some;
    return all;
  }

  /** Tells somebody something. @returns the message's id */
  async tell({ clientId, id: accountId }: Person, told: Told, at = NOW): Promise<string> {
    const draft = { clientId, accountId, told, happenedAt: at };
    const [id] = await this.knex.transaction((trx) => writeMessages(trx, [draft], at));
    return id!;
  }

  /** The messages of somebody, the oldest first. */
  messagesOf({ clientId }: Person): Promise<MessageRow[]> {
    return this.knex('messages')
      .where({ client_id: clientId })
      .orderBy('id')
      .select('id', 'number', 'event', 'data', 'happened_at') as Promise<MessageRow[]>;
  }

  delivery(messageId: string): Promise<DeliveryRow | undefined> {
    return this.knex('message_deliveries').where({ message_id: messageId }).first() as Promise<
      DeliveryRow | undefined
    >;
  }

  /** Takes everything off the lists that an earlier test left on them. */
  async clear(): Promise<void> {
    await this.knex('notifications').whereNull('delivered_at').update({ delivered_at: NOW });
    await this.knex('message_deliveries').delete();
    await this.knex('message_receivers').update({ mailed_at: null });
  }
}

export interface FactTerms {
  accountId: string;
  orderId?: string;
  qty?: string;
  value?: string;
  fees?: string;
  executions?: number;
  status?: string;
  at?: Date;
}

export interface MessageRow {
  id: string;
  number: bigint | null;
  event: string;
  data: OrderData;
  happened_at: Date;
}

export interface DeliveryRow {
  attempts: number;
  due_at: Date;
  delivered_at: Date | null;
  dead_at: Date | null;
  last_error: string | null;
}

/** Something to tell about an order. */
export const orderTold = (more: Partial<OrderData> = {}): Told => ({
  event: 'order.filled',
  data: {
    order_id: randomUUID(),
    client_order_id: 'mine',
    symbol: 'AAPL',
    side: 'buy',
    type: 'limit',
    qty: '2',
    notional: null,
    limit_price: '151',
    stop_price: null,
    status: 'filled',
    reason: null,
    executions: 1,
    executed_qty: '2',
    average_price: '150.25',
    value: '300.5',
    fees: '0',
    filled_qty: '2',
    ...more,
  },
});

export const newDevice: Told = {
  event: 'security.new_device',
  data: { at: NOW.toISOString(), ip: '::1', device: 'a browser', detail: null },
};

/** Keeps what it is given; `onSend` may refuse. */
export function collector(onSend: (mail: Mail) => Promise<void> | void = () => undefined) {
  const mails: Mail[] = [];
  const mailer: Mailer = {
    channel: 'smtp',
    async send(mail) {
      await onSend(mail);
      mails.push(mail);
    },
    close: () => undefined,
  };
  return { mails, mailer };
}
