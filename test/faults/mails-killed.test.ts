import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { Pool } from 'undici';
import { connectDatabase, type Database } from '../../src/db.js';
import { expectBooksInOrder } from '../support/books-in-order.js';
import { eventually } from '../support/eventually.js';
import { expectMessagesInOrder } from '../support/messages-in-order.js';
import { seedTraders, type Key } from '../support/order-load.js';
import { startProduct, type Product } from '../support/processes.js';
import { startSmtpServer, type SmtpServer } from '../workers/smtp-server.js';

const ORDERS = 400;
const CLIENTS = 10;
const PAUSE_MS = 200;
/** Kills while the mail server has a mail in its hands, and kills at any time. */
const KILLS = { inHand: 4, anyTime: 2 };
const ANSWERS_AFTER_MS = 250;
const ARRIVE_WITHIN_MS = 40_000;

describe('kill -9 of the process that sends mails, while it sends', function () {
  this.timeout(150_000);
  let product: Product;
  let db: Database;
  let smtp: SmtpServer;
  let keys: Key[];
  let onTaken: () => void = () => undefined;

  before(async () => {
    smtp = await startSmtpServer(undefined, undefined, async () => {
      onTaken();
      await sleep(ANSWERS_AFTER_MS);
    });
    product = await startProduct({
      env: {
        MARKET_SIMULATOR: 'off',
        RATE_LIMIT_PER_MIN: '0',
        NOTIFICATION_WINDOW_MS: '500',
        MAILS_PER_SECOND: '100',
        SMTP_URL: smtp.url,
      },
    });
    db = connectDatabase(product.demo.database_url, 'test', 2);
    keys = await seedTraders(db.knex);
  });
  after(async () => {
    await db.close();
    await product.stop();
    await smtp.close();
  });

  /** Clients that buy what one other offers; each order has a quantity that no other has. */
  const trade = async (): Promise<string[]> => {
    const pool = new Pool(product.demo.url, { connections: CLIENTS });
    const acknowledged: string[] = [];
    const place = async ({ key_id, secret_key }: Key, side: 'buy' | 'sell', qty: number) => {
      const answer = await pool.request({
        path: '/v2/orders',
        method: 'POST',
        headers: { 'APCA-API-KEY-ID': key_id, 'APCA-API-SECRET-KEY': secret_key },
        body: JSON.stringify({
          symbol: 'AAPL',
          side,
          qty: String(qty),
          type: 'limit',
          limit_price: '150',
          time_in_force: 'day',
        }),
      });
      const { id, message } = (await answer.body.json()) as { id: string; message?: string };
      expect(answer.statusCode, message).to.equal(200); // orders notice nothing
      acknowledged.push(id);
    };
    await place(keys[CLIENTS]!, 'sell', (ORDERS * (ORDERS + 1)) / 2);
    const buy = async (client: number): Promise<void> => {
      for (let qty = client + 1; qty <= ORDERS; qty += CLIENTS) {
        await place(keys[client]!, 'buy', qty);
        await sleep(PAUSE_MS);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, (_, client) => buy(client)));
    await pool.close();
    return acknowledged;
  };

  /** @returns the quantities that were being mailed: claimed, and not marked */
  const kill = async (): Promise<number[]> => {
    const pid = (await product.pids())['worker-1']!;
    process.kill(pid, 'SIGKILL');
    // A minute passes: the lease of the dead is over. Nobody else has one, its successor still starts.
    const { rows } = await db.knex.raw<{ rows: { qty: string }[] }>(
      `update message_deliveries d set due_at = clock_timestamp() from messages m
       where m.id = d.message_id and d.delivered_at is null and d.dead_at is null
         and d.attempts > 0 and d.due_at > clock_timestamp()
       returning m.data ->> 'executed_qty' as qty`,
    );
    await eventually(async () => {
      expect((await product.pids())['worker-1'])
        .to.be.a('number')
        .not.equal(pid);
    }, 20_000);
    return rows.map(({ qty }) => Number(qty));
  };
  const nextTaken = (): Promise<void> =>
    new Promise((resolve) => {
      onTaken = () => {
        onTaken = () => undefined;
        resolve();
      };
    });
  /** Of which orders a mail tells. */
  const boughtIn = (mail: string): number[] => {
    const text = mail.replaceAll('=\n', '');
    return [...new Set([...text.matchAll(/Bought (\d+) AAPL/g)].map(([, qty]) => Number(qty)))];
  };

  it('loses no mail, doubles only those in flight, and nothing in the app', async () => {
    const trading = trade();
    const inFlight = new Set<number>();
    for (let n = 0; n < KILLS.inHand + KILLS.anyTime; n += 1) {
      if (n < KILLS.inHand) await nextTaken();
      else await sleep(500 + Math.random() * 1_500);
      for (const qty of await kill()) inFlight.add(qty);
    }
    const acknowledged = await trading;
    expect(acknowledged).to.have.lengthOf(ORDERS + 1);
    const waiting = db.knex('message_deliveries').whereNull('delivered_at');
    await eventually(async () => {
      const told = await db.knex('messages').where({ event: 'order.filled' }).pluck<string[]>('id');
      expect(told).to.have.lengthOf(ORDERS + 1);
      expect(await waiting.clone().select('message_id')).to.deep.equal([]);
    }, ARRIVE_WITHIN_MS);

    const times = new Map<number, number>();
    for (const qty of smtp.mails.flatMap(boughtIn)) times.set(qty, (times.get(qty) ?? 0) + 1);
    const all = Array.from({ length: ORDERS }, (_, index) => index + 1);
    expect(
      all.filter((qty) => !times.has(qty)),
      'lost',
    ).to.deep.equal([]);
    const doubled = all.filter((qty) => times.get(qty)! > 1);
    expect(
      doubled.filter((qty) => !inFlight.has(qty)),
      'doubled for no reason',
    ).to.deep.equal([]);
    const copies = smtp.mails.filter((mail, index) => {
      const before = new Set(smtp.mails.slice(0, index).flatMap(boughtIn));
      return boughtIn(mail).some((qty) => before.has(qty));
    });
    process.stdout.write(
      `      ${smtp.mails.length} mails, ${copies.length} of them copies, of ${doubled.length} orders\n`,
    );
    // One mail at a time is under way: a death doubles one at most, and these have each doubled theirs.
    expect(copies.length).to.be.within(KILLS.inHand, KILLS.inHand + KILLS.anyTime);

    await expectBooksInOrder(db.knex, acknowledged, ARRIVE_WITHIN_MS);
    await expectMessagesInOrder(db.knex, ARRIVE_WITHIN_MS);
    const { rows } = await db.knex.raw<{ rows: object[] }>(
      `select data ->> 'order_id' as order_id from messages where event = 'order.filled'
       group by 1 having count(*) > 1`,
    );
    expect(rows, 'orders that are told twice in the app').to.deep.equal([]);
  });
});
