import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { connectKnex } from '../../src/db.js';
import { lookAfterTransfers } from '../../src/funding/look-after-transfers.js';
import { behaviourFor } from '../../src/payment-provider/behaviour.js';
import { deliverEvents } from '../../src/payment-provider/deliver-events.js';
import type { PaymentEvent } from '../../src/payment-provider/instructions.js';
import { takePayment, tellAgain } from '../../src/payment-provider/payments.js';
import { connectRedis, workerOptions } from '../../src/redis.js';
import { startPaymentProvider, type PaymentProvider } from '../../workers/payment-provider.js';
import { startTransferWorker } from '../../workers/transfers.js';
import { startApi, type Api } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import {
  fundingClient,
  quiet,
  transferDeps,
  type FundingClient,
  HIGH_LIMITS,
} from '../support/funding.js';
import { createTestRedis, type TestRedis } from '../support/redis.js';
import { startTrading, usd, type Trading } from '../support/trading.js';

/** The provider says some things seconds later: its clock goes so many times as fast. */
const HURRY = 4;

describe('the payment provider', function () {
  this.timeout(60_000);
  let trading: Trading;
  let redis: TestRedis;
  let direct: Redis;
  let api: Api;
  let client: FundingClient;
  let provider: PaymentProvider | undefined;
  let startedAt: number;
  let worker: ReturnType<typeof startTransferWorker>;
  let connection: Redis;

  before(async () => {
    redis = await createTestRedis();
    direct = new Redis(redis.url);
    trading = await startTrading(1, { ...HIGH_LIMITS, REDIS_URL: redis.url });
    api = await startApi(trading, { log: quiet });
    client = await fundingClient(trading, api, 0);
    connection = connectRedis(redis.url, workerOptions, () => undefined);
    worker = startTransferWorker(connection, transferDeps(trading));
    startedAt = Date.now();
    startProvider();
  });
  after(async () => {
    await provider?.stop();
    await worker.close();
    connection.disconnect();
    await api.stop();
    await trading.stop();
    direct.disconnect();
    await redis.close();
  });

  function startProvider(): void {
    const { config } = trading.container;
    provider = startPaymentProvider(connection, {
      config: { ...config, paymentCallbackUrl: `${api.url}/v2/payment_provider/callbacks` },
      log: quiet,
      now: () => new Date(startedAt + HURRY * (Date.now() - startedAt)),
    });
  }
  const read = async (id: string) =>
    (await api.call('GET', `/v2/transfers/${id}`, { as: trading.accounts[0]! })).body as Record<
      string,
      unknown
    >;
  const ends = (id: string, status: string, withinMs = 10_000) =>
    eventually(async () => {
      expect(await read(id)).to.include({ status });
    }, withinMs);
  const request = async (direction: 'INCOMING' | 'OUTGOING', amount: string): Promise<string> =>
    (await client.transfer(direction, amount)).body.id as string;
  const cash = async () => (await trading.cash(0)).cash;
  const expectChange = async (before: bigint, change: string) => {
    expect((await cash()) - before).to.equal(usd(change));
    expect((await trading.cash(0)).held).to.equal(0n);
    expect(await trading.proof()).to.include({ balanced: true });
  };

  for (const [amount, status, change] of [
    ['10.00', 'COMPLETE', '10'],
    ['10.02', 'REJECTED', '0'],
    ['10.08', 'REJECTED', '0'],
    ['10.01', 'COMPLETE', '10.01'],
    ['10.03', 'COMPLETE', '10.03'],
    ['10.04', 'COMPLETE', '10.04'],
    ['10.05', 'COMPLETE', '10.05'],
    ['10.06', 'RETURNED', '0'],
  ] as const) {
    it(`brings a deposit of ${amount} to ${status}: it ${behaviourFor(usd(amount)).summary}`, async () => {
      const before = await cash();
      const id = await request('INCOMING', amount);
      await ends(id, status);
      await expectChange(before, change);
    });
  }

  it('sends withdrawals out, and gives the hold back when it cannot', async () => {
    const before = await cash();
    const [out, failed, back] = await Promise.all(
      ['20.00', '20.02', '20.06'].map((amount) => request('OUTGOING', amount)),
    );
    await ends(out!, 'COMPLETE');
    await ends(failed!, 'REJECTED');
    expect(await read(failed!)).to.include({ reason: 'insufficient_funds' });
    await ends(back!, 'RETURNED');
    await expectChange(before, '-20');
  });

  it('is asked about what it never answers', async () => {
    const before = await cash();
    const id = await request('INCOMING', '10.07');
    await ends(id, 'SENT_TO_CLEARING');
    await sleep(500);
    await ends(id, 'SENT_TO_CLEARING');
    const later = new Date(Date.now() + 61_000);
    await lookAfterTransfers({ ...transferDeps(trading), now: () => later });
    await ends(id, 'COMPLETE');
    await expectChange(before, '10.07');
  });

  it('loses nothing with Redis: what waits is sent, and what was sent is told again', async () => {
    const before = await cash();
    await provider!.stop();
    const sent = await request('INCOMING', '30.00');
    await ends(sent, 'SENT_TO_CLEARING');
    await worker.pause();
    const waiting = await request('INCOMING', '40.00');
    await eventually(async () => {
      expect(await trading.container.nudges.transferQueue.getWaitingCount()).to.equal(1);
    });
    await direct.flushdb();
    void worker.resume();
    startProvider();
    await sleep(500);
    expect(await read(waiting)).to.include({ status: 'QUEUED' });
    const later = new Date(Date.now() + 11_000);
    await lookAfterTransfers({ ...transferDeps(trading), now: () => later });
    await ends(sent, 'COMPLETE');
    await ends(waiting, 'COMPLETE');
    await expectChange(before, '70');
  });
});

describe("the payment provider's own records", () => {
  let trading: Trading;
  let knex: Knex;
  let customer: Server;
  let received: PaymentEvent[];
  let answer: number;

  before(async () => {
    trading = await startTrading(1);
    const { databaseUrl } = trading.container.config;
    knex = connectKnex(databaseUrl, 'test-provider', 2, 'brokerx_payment_provider');
    customer = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        if (answer === 200) received.push(JSON.parse(Buffer.concat(chunks).toString()) as never);
        res.writeHead(answer).end();
      });
    });
    customer.listen(0, '127.0.0.1');
    await once(customer, 'listening');
  });
  after(async () => {
    customer.close();
    await knex.destroy();
    await trading.stop();
  });
  beforeEach(() => {
    received = [];
    answer = 200;
  });

  const instruction = (reference: string, amount: string) => ({
    reference,
    direction: 'incoming' as const,
    amount,
    bank_account: 'token',
  });
  const deliver = (now = new Date()) =>
    deliverEvents(
      {
        knex,
        callbackUrl: `http://127.0.0.1:${(customer.address() as AddressInfo).port}/`,
        secret: 'x'.repeat(32),
        log: quiet,
        now: () => now,
      },
      10,
    );
  const types = () => received.map(({ type, sequence }) => `${sequence} ${type}`).sort();

  it("are nobody else's, and show it nothing of ours", async () => {
    const denied = async (query: Promise<unknown>) =>
      (await query.then(
        () => null,
        (error: unknown) => error as Error,
      ))!.message;
    const ours = trading.container.db.knex;
    for (const table of ['payments', 'events']) {
      expect(await denied(ours(`payment_provider.${table}`).select().then())).to.match(/denied/);
    }
    for (const table of ['accounts', 'transfers', 'bank_accounts', 'clients']) {
      expect(await denied(knex(table).select().then())).to.match(/denied/);
    }
  });

  it('take an instruction once, and tell of it once', async () => {
    const now = new Date();
    for (let n = 0; n < 3; n += 1) await takePayment(knex, instruction('once', '10'), now);
    await Promise.all([deliver(), deliver()]);
    expect(await deliver()).to.equal(0);
    expect(types()).to.deep.equal(['1 payment.accepted', '2 payment.settled']);
    expect(received[0]!.payment).to.include({ reference: 'once', amount: '10', currency: 'USD' });
  });

  it('tell again while nobody listens, with growing pauses', async () => {
    const start = Date.now();
    await takePayment(knex, instruction('away', '10.08'), new Date(start));
    answer = 503;
    expect(await deliver(new Date(start))).to.equal(1);
    expect(await deliver(new Date(start + 200))).to.equal(0);
    expect(await deliver(new Date(start + 300))).to.equal(1);
    expect(await deliver(new Date(start + 700))).to.equal(0);
    answer = 200;
    expect(await deliver(new Date(start + 900))).to.equal(1);
    expect(types()).to.deep.equal(['1 payment.failed']);
    expect(received[0]!.reason).to.equal('account_closed');
    expect(await deliver(new Date(start + 3_600_000))).to.equal(0);
  });

  it('tell what another process died over, once its lease is over', async () => {
    const start = Date.now();
    await takePayment(knex, instruction('died', '10.08'), new Date(start));
    await knex('payment_provider.events')
      .whereNull('delivered_at')
      .update({ due_at: new Date(start + 15_000) }); // as claiming it does
    expect(await deliver(new Date(start + 14_000))).to.equal(0);
    expect(await deliver(new Date(start + 16_000))).to.equal(1);
  });

  it('tell again what is asked for, but nothing before its time', async () => {
    const start = Date.now();
    await takePayment(knex, instruction('asked', '10.01'), new Date(start));
    await deliver(new Date(start));
    await tellAgain(knex, { reference: 'asked' }, new Date(start + 1));
    await deliver(new Date(start + 1));
    expect(types()).to.deep.equal(['1 payment.accepted', '1 payment.accepted']);
    await deliver(new Date(start + 3_001));
    expect(types()).to.include('2 payment.settled');
    await tellAgain(knex, { reference: 'nobody' }, new Date());
  });
});
