import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { parseDecimal, PRICE_SCALE, QTY_SCALE } from '../../src/domain/money.js';
import type { Mailer } from '../../src/notifications/mailer.js';
import type { Mail } from '../../src/notifications/templates.js';

const usd = (text: string) => parseDecimal(text, PRICE_SCALE);
const shares = (text: string) => parseDecimal(text, QTY_SCALE);

/** The time at which what is built here came about and is due. */
export const NOW = new Date('2026-11-20T15:00:00Z');

/** Builds clients, orders of AAPL and notifications of their executions in one database. */
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

  async account(firstName = 'Ada'): Promise<{ id: string; email: string }> {
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
    return { id, email };
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

  async notification(notified: NotificationTerms): Promise<bigint> {
    const { accountId, qty = '2', value = '300.5', fees = '0', executions = 1 } = notified;
    const rows: { id: bigint }[] = await this.knex('notifications').insert(
      {
        kind: 'order_executed',
        account_id: accountId,
        order_id: notified.orderId ?? (await this.order(accountId)),
        order_status: notified.status ?? 'partially_filled',
        executions,
        qty: shares(qty),
        value: usd(value),
        fees: usd(fees),
        created_at: NOW,
        due_at: notified.dueAt ?? NOW,
        attempts: notified.attempts ?? 0,
      },
      'id',
    );
    return rows[0]!.id;
  }

  reload(id: bigint): Promise<NotificationRow> {
    return this.knex('notifications')
      .where('id', id.toString())
      .first() as Promise<NotificationRow>;
  }

  /** Takes everything off the list that an earlier test left on it. */
  async clear(): Promise<void> {
    await this.knex('notifications').update({ delivered_at: NOW });
  }
}

export interface NotificationTerms {
  accountId: string;
  orderId?: string;
  qty?: string;
  value?: string;
  fees?: string;
  executions?: number;
  status?: string;
  dueAt?: Date;
  attempts?: number;
}

export interface NotificationRow {
  attempts: number;
  due_at: Date;
  delivered_at: Date | null;
  last_error: string | null;
}

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
