import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Knex } from 'knex';
import { deliverToEndpoint } from '../../src/webhooks/deliver.js';
import type { DeliverDeps } from '../../src/webhooks/delivery-deps.js';
import { freePort } from '../../src/embedded/free-port.js';
import type { EventView } from '../../src/streams/events.js';
import { eventMessage, messageIdOf } from '../../src/webhooks/message.js';
import { queueTest, redrive, replay } from '../../src/webhooks/resend.js';
import { changePreferences } from '../../src/notifications/preferences.js';
import { changeEndpoint, removeEndpoint, rotateSecret } from '../../src/webhooks/service.js';
import { seededRandom } from '../domain/order-flow.js';
import { mailsTo } from '../support/sent-mails.js';
import { idsUpTo } from '../support/event-log.js';
import { startTrading, type Trading } from '../support/trading.js';
import { LOCAL_WEBHOOKS, TestEndpoint, webhookWorker } from '../support/webhooks.js';
import { isSigned, WebhookReceiver, type Reply } from '../support/webhook-receiver.js';

const ACCOUNTS = 19;
const DAY_MS = 86_400_000;

describe('the delivery of webhooks', () => {
  let trading: Trading;
  let worker: ReturnType<typeof webhookWorker>;
  let receiver: WebhookReceiver;
  /** Each test has an account of its own. */
  let account = -1;

  before(async () => {
    trading = await startTrading(ACCOUNTS, LOCAL_WEBHOOKS);
    worker = webhookWorker(trading);
  });
  after(async () => {
    worker.sender.close();
    await trading.stop();
  });
  beforeEach(async () => {
    account += 1;
    receiver = await WebhookReceiver.start();
  });
  afterEach(() => receiver.stop());

  const open = (events?: string[]): Promise<TestEndpoint> =>
    TestEndpoint.create(trading, { account, url: receiver.url, ...(events && { events }) });
  const apiDeps = () => {
    const { db, sealer, config } = trading.container;
    return { knex: db.knex, sealer, rules: config.webhooks };
  };
  const inTransaction = <T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T> =>
    trading.container.db.knex.transaction(work);
  /** The worker at a time of the test's own. */
  const at = (time: Date): DeliverDeps => ({ ...worker, now: () => time });
  const later = (days: number): Date => new Date(Date.now() + days * DAY_MS);

  const emailOf = async ({ caller: { clientId } }: TestEndpoint): Promise<string> => {
    const { knex } = trading.container.db;
    const row = await knex('clients').where({ id: clientId }).first<{ email: string }>('email');
    return row.email;
  };

  it('begins with what happens after it was set up, and tells it as /v2/events does', async () => {
    const endpoint = await open();
    const last = await endpoint.log.write(2);

    await deliverToEndpoint(worker, endpoint.id);

    expect(receiver.eventIds).to.deep.equal([last - 1, last]);
    const [first] = receiver.taken;
    expect(first).to.deep.include({
      id: messageIdOf(endpoint.accountId, BigInt(last - 1)),
      type: 'new',
    });
    expect(first!.data).to.include({ event: 'new', event_id: last - 1 });
    expect(first!.data['order']).to.include({ symbol: 'AAPL', status: 'new' });
    expect(JSON.parse(first!.body)).to.have.all.keys('type', 'timestamp', 'data');
    expect(first!.headers['content-type']).to.equal('application/json');
    for (const received of receiver.taken) {
      expect(isSigned(endpoint.secret, received)).to.equal(true);
      const changed = { ...received, body: received.body.replace('AAPL', 'MSFT') };
      expect(isSigned(endpoint.secret, changed)).to.equal(false);
    }
    expect(receiver.connections, 'the connection is kept').to.equal(1);
  });

  it('brings everything in order to a receiver that is up 30 % of the time, with several workers', async function () {
    this.timeout(30_000);
    const EVENTS = 60;
    const random = seededRandom(30);
    const isUp = () => performance.now() % 100 < 30;
    const down: Reply[] = [503, 500, 'cut', 'take and cut', { status: 429 }];
    receiver.reply = async () => {
      await sleep(1); // or two at once would hardly be seen
      return isUp() ? 204 : down[random(down.length)]!;
    };
    const endpoint = await open();
    const first = Number((await endpoint.read()).cursor) + 1;
    const workers = Array.from({ length: 4 }, () => webhookWorker(trading));
    let done = false;
    const work = async (deps: DeliverDeps): Promise<void> => {
      while (!done) {
        await deliverToEndpoint(deps, endpoint.id);
        await sleep(2);
      }
    };
    const working = Promise.all(workers.map(work));

    for (let n = 0; n < EVENTS; n += 10) {
      await endpoint.log.write(10);
      await sleep(20);
    }
    const last = BigInt(first + EVENTS - 1);
    const until = Date.now() + 20_000;
    while ((await endpoint.read()).cursor < last && Date.now() < until) await sleep(20);
    done = true;
    await working;
    for (const { sender } of workers) sender.close();

    const { taken, eventIds } = receiver;
    const firsts = eventIds.filter((id, index) => eventIds.indexOf(id) === index);
    expect(firsts, 'all of them, in order').to.deep.equal(idsUpTo(first + EVENTS - 1, first));
    const sorted = eventIds.toSorted((a, b) => a! - b!);
    expect(eventIds, 'a copy comes before the next event').to.deep.equal(sorted);
    for (const received of taken) {
      const id = messageIdOf(endpoint.accountId, BigInt(received.eventId!));
      expect(received.id, 'copies have the same id').to.equal(id);
      expect(isSigned(endpoint.secret, received)).to.equal(true);
    }
    expect(receiver.atOnceMax, 'one after the other').to.equal(1);
    expect(receiver.requests, 'it was down').to.be.greaterThan(EVENTS * 1.3);
    const log = await endpoint.deliveries();
    expect(log.map(({ status }) => status)).to.deep.equal(Array(EVENTS).fill('delivered'));
    const attempts = log.reduce((sum, one) => sum + one.attempts, 0);
    expect(attempts).to.be.within(EVENTS * 1.3, receiver.requests);
  });

  it('posts only what the filter lets pass, and goes on behind the rest', async () => {
    const endpoint = await open(['fill', 'transfer.*']);
    await endpoint.log.write(3);
    const order = { qty: '1', price: '400', symbol: 'MSFT' };
    await trading.place({ ...order, account: account + 1, side: 'sell' });
    await trading.place({ ...order, account, side: 'buy' });
    await trading.settle();

    await deliverToEndpoint(worker, endpoint.id);

    const types = receiver.taken.map(({ type }) => type);
    expect(types).to.deep.equal(['fill']);
    const { last_event_id: last } = await trading.container.db
      .knex('accounts')
      .where({ id: endpoint.accountId })
      .first<{ last_event_id: bigint }>();
    expect((await endpoint.read()).cursor).to.equal(last);
  });

  it('posts nothing that the client wants to be told of otherwise only', async () => {
    const endpoint = await open();
    const { clientId, accountId } = endpoint.caller;
    const choice = { events: { 'order.accepted': { webhook: false } } };
    await inTransaction((trx) =>
      changePreferences(trx, { clientId, accountId }, choice, new Date()),
    );
    const last = await endpoint.log.write(3);

    await deliverToEndpoint(worker, endpoint.id);

    expect(receiver.taken).to.deep.equal([]);
    expect((await endpoint.read()).cursor).to.equal(BigInt(last));
  });

  it('does not let a slow receiver hold up another endpoint', async () => {
    const slow = await open();
    receiver.reply = () => 'hang';
    const quick = await WebhookReceiver.start();
    const other = await TestEndpoint.create(trading, { account, url: quick.url });
    await other.log.write(1);
    const started = performance.now();
    const hanging = deliverToEndpoint(worker, slow.id).then(() => performance.now() - started);
    await deliverToEndpoint(worker, other.id);
    const tookMs = performance.now() - started;
    expect(quick.taken.length).to.be.greaterThan(0);
    expect(await hanging, 'the slow one was cut off').to.be.within(250, 1_500);
    expect(tookMs).to.be.lessThan(await hanging);
    const [delivery] = await slow.deliveries();
    expect(delivery).to.include({ status: 'retrying', responseStatus: null, attempts: 1 });
    expect(delivery!.error).to.include('within 300 ms');
    await quick.stop();
  });

  it('waits after a failure, as long as the receiver asks for', async () => {
    receiver.reply = () => ({ status: 503, headers: { 'Retry-After': '2' }, body: 'come back' });
    const endpoint = await open();
    await endpoint.log.write(1);
    await deliverToEndpoint(worker, endpoint.id);
    const { dueAt, attempts, failingSince } = await endpoint.read();
    expect(dueAt.getTime() - Date.now()).to.be.within(1_500, 2_000);
    expect({ attempts, failing: failingSince !== null }).to.deep.equal({
      attempts: 1,
      failing: true,
    });
    await deliverToEndpoint(worker, endpoint.id);
    expect(receiver.requests, 'not before it is due').to.equal(1);
    const [delivery] = await endpoint.deliveries();
    expect(delivery).to.include({ responseStatus: 503, responseBody: 'come back' });

    receiver.reply = () => 200;
    await deliverToEndpoint(at(new Date(Date.now() + 3_000)), endpoint.id);
    expect(await endpoint.read()).to.include({ attempts: 0, failingSince: null });
    expect((await endpoint.deliveries())[0]).to.include({ status: 'delivered', attempts: 2 });
  });

  it('keeps of an answer its first 1,000 characters, and reads no more than 20 kB', async () => {
    receiver.reply = () => ({ status: 200, body: 'x'.repeat(5_000_000) });
    const endpoint = await open();
    await endpoint.log.write(1);
    await deliverToEndpoint(worker, endpoint.id);
    const [delivery] = await endpoint.deliveries();
    expect(delivery).to.include({ status: 'delivered', responseBody: 'x'.repeat(1_000) });
  });

  it('signs with both secrets after a rotation, and with the new one alone later', async () => {
    const endpoint = await open();
    const { secret } = await rotateSecret(apiDeps(), endpoint.caller, endpoint.id);
    await endpoint.log.write(1);
    await deliverToEndpoint(worker, endpoint.id);
    const both = receiver.taken[0]!;
    expect(both.headers['webhook-signature']).to.match(/^v1,\S+ v1,\S+$/);
    expect([secret, endpoint.secret].map((one) => isSigned(one, both))).to.deep.equal([true, true]);

    const rules = { ...apiDeps().rules, secretOverlapMs: 0 };
    const last = await rotateSecret({ ...apiDeps(), rules }, endpoint.caller, endpoint.id);
    await endpoint.log.write(1);
    await deliverToEndpoint(worker, endpoint.id);
    const one = receiver.taken[1]!;
    expect(one.headers['webhook-signature']).to.match(/^v1,\S+$/);
    expect(isSigned(last.secret, one)).to.equal(true);
    for (const old of [secret, endpoint.secret]) expect(isSigned(old, one)).to.equal(false);
  });

  it('turns an endpoint off at once that answers 410, tells its owner, and goes on later', async () => {
    receiver.reply = () => 410;
    const endpoint = await open();
    const last = await endpoint.log.write(2);
    await deliverToEndpoint(worker, endpoint.id);
    await deliverToEndpoint(at(later(1)), endpoint.id);
    expect(receiver.requests).to.equal(1);
    expect(await endpoint.read()).to.include({ enabled: false, disabledReason: 'gone' });
    const mails = await mailsTo(trading, await emailOf(endpoint));
    expect(mails.map(({ kind }) => kind)).to.deep.equal(['webhook_created', 'webhook_disabled']);
    expect(mails[1]!.data['why']).to.equal('gone');

    receiver.reply = () => 200;
    await changeEndpoint(apiDeps(), endpoint.caller, endpoint.id, { enabled: true });
    await deliverToEndpoint(worker, endpoint.id);
    expect(receiver.eventIds).to.deep.equal([last - 1, last]);
  });

  it('gives an event up after days, goes on, and sends it again when it is asked to', async () => {
    const endpoint = await open();
    const terms = { ...worker.terms, giveUpMs: 3 * DAY_MS, disableMs: 30 * DAY_MS };
    const on = (days: number): DeliverDeps => ({ ...at(later(days)), terms });
    const dead = await endpoint.log.write(1);
    receiver.reply = ({ eventId }) => (eventId === dead ? 500 : 200);
    await endpoint.log.write(1);
    for (const days of [0, 1, 2.9]) await deliverToEndpoint(on(days), endpoint.id);
    expect(receiver.taken, 'the next event waits').to.deep.equal([]);

    await deliverToEndpoint(on(3.1), endpoint.id);
    expect(receiver.eventIds).to.deep.equal([dead + 1]);
    const statuses = (await endpoint.deliveries()).map(({ status }) => status);
    expect(statuses).to.deep.equal(['dead', 'delivered']);

    const ask = () =>
      inTransaction((trx) => redrive(trx, endpoint.caller, endpoint.id, BigInt(dead)));
    await ask();
    await deliverToEndpoint(worker, endpoint.id);
    expect((await endpoint.deliveries())[0], 'still').to.include({ status: 'dead', attempts: 5 });
    receiver.reply = () => 200;
    await ask();
    await deliverToEndpoint(worker, endpoint.id);
    expect(receiver.eventIds).to.deep.equal([dead + 1, dead]);
    expect(receiver.taken[1]!.id).to.equal(messageIdOf(endpoint.accountId, BigInt(dead)));
    expect((await endpoint.deliveries())[0]).to.include({ status: 'delivered', attempts: 6 });
    const refused: unknown = await ask().catch((error: unknown) => error);
    expect(refused).to.have.property('kind', 'conflict');
  });

  it('turns an endpoint off that has taken nothing for days', async () => {
    const endpoint = await open();
    const terms = { ...worker.terms, giveUpMs: DAY_MS, disableMs: 5 * DAY_MS };
    receiver.reply = () => 500;
    await endpoint.log.write(4);
    const on = (days: number): DeliverDeps => ({ ...at(later(days)), terms });
    for (const days of [0, 1.1, 2.2, 4.9]) await deliverToEndpoint(on(days), endpoint.id);
    expect((await endpoint.read()).enabled).to.equal(true);
    await deliverToEndpoint(on(5.1), endpoint.id);
    expect(await endpoint.read()).to.include({ enabled: false, disabledReason: 'failing' });
    const kinds = (await mailsTo(trading, await emailOf(endpoint))).map(({ kind }) => kind);
    expect(kinds).to.deep.equal(['webhook_created', 'webhook_disabled']);
    const { rows } = await trading.container.db.knex.raw<{ rows: object[] }>(
      `select from audit_entries where content::jsonb ->> 'action' = 'webhook.disabled'
         and content::jsonb -> 'subject' ->> 'webhook_id' = ?`,
      [endpoint.id],
    );
    expect(rows).to.have.lengthOf(1);
  });

  it('posts again from an event on, with the same ids', async () => {
    const endpoint = await open();
    const last = await endpoint.log.write(4);
    await deliverToEndpoint(worker, endpoint.id);
    const ids = receiver.taken.map(({ id }) => id);
    await inTransaction((trx) => replay(trx, endpoint.caller, endpoint.id, BigInt(last - 1)));
    await deliverToEndpoint(worker, endpoint.id);
    expect(receiver.taken.map(({ id }) => id)).to.deep.equal([...ids, ...ids.slice(-2)]);
    expect((await endpoint.deliveries()).map(({ attempts }) => attempts)).to.deep.equal([
      1, 1, 2, 2,
    ]);
  });

  it('lets a replay win over a message that is on its way', async () => {
    const endpoint = await open();
    const last = await endpoint.log.write(3);
    let isMoved = false;
    receiver.reply = async ({ eventId }) => {
      if (eventId === last && !isMoved) {
        isMoved = true;
        await inTransaction((trx) => replay(trx, endpoint.caller, endpoint.id, BigInt(last - 2)));
      }
      return 200;
    };
    await endpoint.deliverUntil(worker, async () => {
      expect((await endpoint.read()).cursor).to.equal(BigInt(last));
      expect(isMoved).to.equal(true);
    });
    const once = idsUpTo(last, last - 2);
    expect(receiver.eventIds).to.deep.equal([...once, ...once]);
  });

  it('sends a test also while the line waits after a failure, and one attempt only', async () => {
    const endpoint = await open();
    await endpoint.log.write(1);
    receiver.reply = () => 500;
    await deliverToEndpoint(
      { ...worker, terms: { ...worker.terms, firstPauseMs: 60_000, pauseMaxMs: 60_000 } },
      endpoint.id,
    );
    const test = await inTransaction((trx) => queueTest(trx, endpoint.caller, endpoint.id));
    receiver.reply = () => 200;
    await deliverToEndpoint(worker, endpoint.id);
    expect(receiver.taken).to.have.lengthOf(1);
    expect(receiver.taken[0]).to.include({
      id: test.messageId,
      type: 'webhook.test',
      eventId: null,
    });
    expect(isSigned(endpoint.secret, receiver.taken[0]!)).to.equal(true);
    expect((await endpoint.deliveries()).at(-1)).to.include({ status: 'delivered', attempts: 1 });

    receiver.reply = () => 500;
    await inTransaction((trx) => queueTest(trx, endpoint.caller, endpoint.id));
    for (let turn = 0; turn < 3; turn += 1) await deliverToEndpoint(worker, endpoint.id);
    expect((await endpoint.deliveries()).at(-1)).to.include({ status: 'dead', attempts: 1 });
  });

  it('is understood by the receiver in docs/webhooks.md', async () => {
    const guide = await readFile(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');
    const [, code] = /```js\n([\s\S]*?)```/.exec(guide)!;
    const port = await freePort();
    const endpoint = await TestEndpoint.create(trading, {
      account,
      url: `http://127.0.0.1:${port}/`,
    });
    const program = code!.replace('8080', String(port));
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env: { WEBHOOK_SECRET: endpoint.secret },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const last = await endpoint.log.write(2);
      await endpoint.deliverUntil(worker, async () => {
        expect((await endpoint.read()).cursor).to.equal(BigInt(last));
        expect(output).to.equal(`${last - 1} new AAPL\n${last} new AAPL\n`);
      });
    } finally {
      child.kill();
    }
  });

  it('leaves out what is too large, and says so', async () => {
    const placed = await trading.place({ account, side: 'buy', qty: '1', price: '10' });
    const event: EventView = {
      eventId: 7n,
      type: 'new',
      executionId: null,
      price: null,
      qty: null,
      positionQty: null,
      occurredAt: new Date(0),
      data: null,
      order: placed,
    };
    const dataOf = (order: EventView['order']) =>
      (JSON.parse(eventMessage('a', { ...event, order }).body) as { data: object }).data;
    expect(dataOf(placed)).to.include.keys('order').and.not.include.keys('truncated');
    expect(dataOf({ ...placed, clientOrderId: 'x'.repeat(20_000) })).to.deep.equal({
      event_id: 7,
      event: 'new',
      timestamp: '1970-01-01T00:00:00.000Z',
      truncated: true,
    });
  });

  it('posts nothing while the client is suspended, and everything afterwards', async () => {
    const endpoint = await open();
    const last = await endpoint.log.write(1);
    const { knex } = trading.container.db;
    const become = (status: string) =>
      knex('clients')
        .where({ id: endpoint.caller.clientId })
        .update({ status, updated_at: new Date() });
    await become('suspended');
    await deliverToEndpoint(worker, endpoint.id);
    expect(receiver.requests).to.equal(0);
    await become('active');
    await deliverToEndpoint(worker, endpoint.id);
    expect(receiver.eventIds).to.deep.equal([last]);
  });

  it('ends in good order when the endpoint is deleted under a message', async () => {
    const endpoint = await open();
    await endpoint.log.write(2);
    receiver.reply = async () => {
      await removeEndpoint(apiDeps(), endpoint.caller, endpoint.id);
      return 200;
    };
    expect(await deliverToEndpoint(worker, endpoint.id)).to.equal(false);
    expect(receiver.requests).to.equal(1);
  });
});
