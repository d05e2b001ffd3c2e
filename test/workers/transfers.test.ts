import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { systemActor } from '../../src/audit/record.js';
import { connectKnex } from '../../src/db.js';
import { lookAfterTransfers } from '../../src/funding/look-after-transfers.js';
import { requestTransfer } from '../../src/funding/request-transfer.js';
import { submitTransfers } from '../../src/funding/submit-transfers.js';
import { transferLimits } from '../../src/funding/transfer-limits.js';
import { formatDecimal, PRICE_SCALE } from '../../src/domain/money.js';
import { behaviourFor } from '../../src/payment-provider/behaviour.js';
import { deliverEvents } from '../../src/payment-provider/deliver-events.js';
import type { PaymentEvent } from '../../src/payment-provider/instructions.js';
import { takePayment, tellAgain } from '../../src/payment-provider/payments.js';
import { connectRedis, workerOptions } from '../../src/redis.js';
import { startPaymentProvider, type PaymentProvider } from '../../workers/payment-provider.js';
import { startTransferWorker } from '../../workers/transfers.js';
import { seededRandom } from '../domain/order-flow.js';
import { startApi, type Api } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { fundingClient, quiet, transferDeps, type FundingClient } from '../support/funding.js';
import { paymentEvent, postEvent } from '../support/payment-events.js';
import { createTestRedis, type TestRedis } from '../support/redis.js';
import { startTrading, usd, type Trading } from '../support/trading.js';

const LIMITS = {
  TRANSFER_MAX: '100000',
  DEPOSIT_DAILY_MAX: '10000000',
  WITHDRAWAL_DAILY_MAX: '10000000',
  TRANSFERS_PER_HOUR: '100000',
  FAILED_DEPOSITS_MAX: '100000',
};
const ACCOUNTS = 4;
const TRANSFERS = 160;
const CALLBACKS_MIN = 1_000;
const AT_ONCE = 16;
const SEED = 4;
const OPENING = usd('100000');
/** The provider says some things seconds later: its clock goes so many times as fast. */
const HURRY = 4;

interface Sent {
  readonly id: string;
  readonly account: number;
  readonly direction: 'incoming' | 'outgoing';
  readonly amount: bigint;
}

describe('transfers under a provider that repeats itself and keeps no order', function () {
  this.timeout(120_000);
  let trading: Trading;
  let api: Api;
  let clients: FundingClient[];

  before(async () => {
    trading = await startTrading(ACCOUNTS, LIMITS);
    api = await startApi(trading, { log: quiet });
    clients = await Promise.all(
      trading.accounts.map((_, account) => fundingClient(trading, api, account)),
    );
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const request = (account: number, direction: Sent['direction'], amount: bigint) =>
    trading.container.db.knex.transaction((trx) => {
      const { accountId, bankAccountId } = clients[account]!;
      const wanted = { accountId, bankAccountId, direction, type: null, amount };
      const limits = transferLimits(trading.container.config);
      return requestTransfer(trx, limits, wanted, systemActor('test'), new Date());
    });

  it('leave the right balances after 1,000 callbacks, in any order and any number', async () => {
    const random = seededRandom(SEED);
    const sent: Sent[] = [];
    for (let n = 0; n < TRANSFERS; n += 1) {
      const account = random(ACCOUNTS);
      const direction = random(2) === 0 ? 'incoming' : 'outgoing';
      const amount = usd(`${20 + random(200)}.0${random(9)}`);
      const { id } = await request(account, direction, amount);
      sent.push({ id, account, direction, amount });
    }
    expect(await submitTransfers(transferDeps(trading))).to.equal(TRANSFERS);

    const callbacks = shuffled(
      sent.flatMap((transfer) => callbacksFor(transfer, random)),
      random,
    );
    expect(callbacks.length, `seed ${SEED}`).to.be.greaterThan(CALLBACKS_MIN);
    const statuses = await postAll(callbacks);
    expect([...statuses], `seed ${SEED}`).to.deep.equal([200]);

    const expected = sent.map((transfer) => ({ ...transfer, end: endOf(transfer.amount) }));
    for (let account = 0; account < ACCOUNTS; account += 1) {
      const mine = expected.filter((one) => one.account === account && one.end === 'settled');
      const moved = mine.reduce(
        (sum, { direction, amount }) => sum + (direction === 'incoming' ? amount : -amount),
        0n,
      );
      const { cash, held } = await trading.cash(account);
      expect(cash, `seed ${SEED}, account ${account}`).to.equal(OPENING + moved);
      expect(held, `seed ${SEED}, account ${account}`).to.equal(0n);
    }
    await expectJournals(expected);
    expect(await trading.proof()).to.include({ balanced: true, mismatchedBalances: 0 });
  });

  /** Every event twice to four times; and some of it in another event. */
  const callbacksFor = ({ id, direction, amount }: Sent, random: (below: number) => number) =>
    behaviourFor(amount).answers.flatMap(({ type, reason }, index) => {
      const event = paymentEvent(id, `payment.${type}`, {
        sequence: index + 1,
        direction,
        amount: formatDecimal(amount, PRICE_SCALE),
        reason: reason ?? null,
      });
      return Array.from({ length: 2 + random(3) }, () => event);
    });

  async function postAll(callbacks: readonly PaymentEvent[]): Promise<Set<number>> {
    const waiting = [...callbacks];
    const statuses = new Set<number>();
    const poster = async (): Promise<void> => {
      for (let event = waiting.pop(); event; event = waiting.pop()) {
        statuses.add((await postEvent(trading, api, event)).status);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, poster));
    return statuses;
  }

  /** One journal for each that settled, and a second one for each that came back. */
  async function expectJournals(expected: readonly (Sent & { end: string })[]): Promise<void> {
    const { knex } = trading.container.db;
    const rows = await knex('transfers').select<{ id: string; status: string }[]>('id', 'status');
    const found = new Map(rows.map(({ id, status }) => [id, status]));
    for (const { id, end } of expected) expect(found.get(id), id).to.equal(end);
    const journals = await knex('transfer_journals')
      .groupBy('kind')
      .select('kind', knex.raw('count(*)::int as count'));
    const ends = (end: string) => expected.filter((one) => one.end === end).length;
    expect(journals).to.have.deep.members([
      { kind: 'settlement', count: ends('settled') + ends('returned') },
      { kind: 'reversal', count: ends('returned') },
    ]);
  }

  it('are booked once even by code that forgets to look', async () => {
    const { knex } = trading.container.db;
    const row = await knex('transfer_journals').first();
    const journal = await knex('journals').whereNot({ id: row.journal_id }).first();
    const twice = knex('transfer_journals').insert({ ...row, journal_id: journal.id });
    const error = await twice.then(
      () => null,
      (reason: unknown) => reason as Error,
    );
    expect(error?.message).to.match(/transfer_journals_pkey/);
  });
});

const endOf = (amount: bigint): string => {
  const types = behaviourFor(amount).answers.map(({ type }) => type);
  if (types.includes('returned')) return 'returned';
  return types.includes('settled') ? 'settled' : 'failed';
};

function shuffled<Item>(items: readonly Item[], random: (below: number) => number): Item[] {
  const mixed = [...items];
  for (let index = mixed.length - 1; index > 0; index -= 1) {
    const other = random(index + 1);
    [mixed[index], mixed[other]] = [mixed[other]!, mixed[index]!];
  }
  return mixed;
}

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
    trading = await startTrading(1, { ...LIMITS, REDIS_URL: redis.url });
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
