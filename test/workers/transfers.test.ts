import { expect } from 'chai';
import { systemActor } from '../../src/audit/record.js';
import { requestTransfer } from '../../src/funding/request-transfer.js';
import { submitTransfers } from '../../src/funding/submit-transfers.js';
import { transferLimits } from '../../src/funding/transfer-limits.js';
import { formatDecimal, PRICE_SCALE } from '../../src/domain/money.js';
import { behaviourFor } from '../../src/payment-provider/behaviour.js';
import type { PaymentEvent } from '../../src/payment-provider/instructions.js';
import { seededRandom } from '../domain/order-flow.js';
import { startApi, type Api } from '../support/api.js';
import {
  fundingClient,
  quiet,
  transferDeps,
  type FundingClient,
  HIGH_LIMITS,
} from '../support/funding.js';
import { paymentEvent, postEvent } from '../support/payment-events.js';
import { startTrading, usd, type Trading } from '../support/trading.js';

const ACCOUNTS = 4;
const TRANSFERS = 160;
const CALLBACKS_MIN = 1_000;
const AT_ONCE = 16;
const SEED = 4;
const OPENING = usd('100000');

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
    trading = await startTrading(ACCOUNTS, HIGH_LIMITS);
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
