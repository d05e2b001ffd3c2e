import { expect } from 'chai';
import { register } from 'prom-client';
import { v7 as uuidv7 } from 'uuid';
import { verifySignature } from '../../src/funding/callback-signature.js';
import { lookAfterTransfers } from '../../src/funding/look-after-transfers.js';
import { submitTransfers } from '../../src/funding/submit-transfers.js';
import { signatureHeaders } from '../../src/payment-provider/signature.js';
import { createPerson, expectProblem, startApi, type Api } from '../support/api.js';
import { fundingClient, quiet, transferDeps, type FundingClient } from '../support/funding.js';
import { paymentEvent, postEvent } from '../support/payment-events.js';
import { startTrading, usd, type Trading } from '../support/trading.js';

const MINUTE_MS = 60_000;

describe('callbacks of the payment provider', () => {
  let trading: Trading;
  let api: Api;
  let client: FundingClient;
  let ops: Awaited<ReturnType<typeof createPerson>>;

  before(async () => {
    trading = await startTrading(1, { TRANSFERS_PER_HOUR: '1000' });
    api = await startApi(trading, { log: quiet });
    client = await fundingClient(trading, api, 0);
    ops = await createPerson(trading, { role: 'ops', scopes: ['read', 'admin'] });
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const sent = async (direction: 'INCOMING' | 'OUTGOING' = 'INCOMING'): Promise<string> => {
    const { body } = await client.transfer(direction, '100');
    await submitTransfers(transferDeps(trading));
    return body.id as string;
  };
  const post = (
    ...more: Parameters<typeof postEvent> extends [unknown, unknown, ...infer R] ? R : never
  ) => postEvent(trading, api, ...more);
  const statusOf = async (id: string): Promise<unknown> =>
    (await api.call('GET', `/v2/transfers/${id}`, { as: trading.accounts[0]! })).body.status;
  const kept = (id: string) =>
    trading.container.db.knex('transfer_callbacks').where({ transfer_id: id });
  const isDisputed = async (id: string): Promise<unknown> =>
    (await api.call('GET', `/v2/admin/transfers/${id}`, { as: ops })).body.disputed;
  const resolve = (id: string) =>
    api.call('POST', `/v2/admin/transfers/${id}/resolve`, {
      as: ops,
      body: { reason: 'the bank says it was settled' },
    });
  const refused = async (reason: string): Promise<number> => {
    const metric = register.getSingleMetric('brokerx_payment_callbacks_refused_total');
    const { values } = (await metric!.get()) as { values: { labels: object; value: number }[] };
    return (
      values.find(({ labels }) => (labels as { reason: string }).reason === reason)?.value ?? 0
    );
  };

  it('are signed as Standard Webhooks are', () => {
    // The example of the reference implementations, whose secrets are bytes in base64.
    const secret = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64') as unknown as string;
    const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
    const sentAt = new Date(1_614_265_330_000);
    const body = '{"test": 2432232314}';
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    };
    expect(signatureHeaders(secret, { id, sentAt, body })).to.deep.equal(headers);
    const signed = { headers, body: Buffer.from(body) };
    expect(verifySignature(secret, signed, sentAt)).to.deep.equal({ id });
  });

  it('take effect once, however often they come', async () => {
    const before = (await trading.cash(0)).cash;
    const id = await sent();
    const events = [
      paymentEvent(id, 'payment.accepted'),
      paymentEvent(id, 'payment.settled', { sequence: 2 }),
    ];
    for (const event of [...events, ...events]) {
      const answer = await post(event);
      expect(answer.status).to.equal(200);
      expect(answer.body).to.deep.equal({ received: true });
    }
    await Promise.all(Array.from({ length: 10 }, () => post(events[1]!)));
    expect(await statusOf(id)).to.equal('COMPLETE');
    expect(await kept(id)).to.have.lengthOf(2);
    expect((await trading.cash(0)).cash - before).to.equal(usd('100'));
  });

  it('wait for those before them', async () => {
    const id = await sent('OUTGOING');
    const { held } = await trading.cash(0);
    await post(paymentEvent(id, 'payment.settled', { sequence: 2 }));
    expect(await statusOf(id)).to.equal('SENT_TO_CLEARING');
    await post(paymentEvent(id, 'payment.accepted'));
    expect(await statusOf(id)).to.equal('COMPLETE');
    expect(held - (await trading.cash(0)).held).to.equal(usd('100'));
  });

  it('that contradict what was said before change nothing, and are found by staff', async () => {
    const id = await sent();
    const { cash } = await trading.cash(0);
    await post(paymentEvent(id, 'payment.settled'));
    const late = paymentEvent(id, 'payment.failed', { sequence: 2, reason: 'late_failure' });
    expect((await post(late)).status).to.equal(200);
    await post(paymentEvent(id, 'payment.returned', { sequence: 2 })); // the place is taken
    expect(await statusOf(id)).to.equal('COMPLETE');
    expect((await trading.cash(0)).cash - cash).to.equal(usd('100'));
    expect(await isDisputed(id)).to.equal(true);
    await post(paymentEvent(id, 'payment.returned', { sequence: 3 }));
    expect(await statusOf(id)).to.equal('RETURNED');
    expect((await trading.cash(0)).cash).to.equal(cash);
  });

  it('about another amount change nothing', async () => {
    const id = await sent();
    const { cash } = await trading.cash(0);
    await post(paymentEvent(id, 'payment.settled', { amount: '1000000' }));
    expect(await statusOf(id)).to.equal('SENT_TO_CLEARING');
    expect((await trading.cash(0)).cash).to.equal(cash);
    expect(await isDisputed(id)).to.equal(true);
    await post(paymentEvent(id, 'payment.settled', { sequence: 2 })); // the provider puts it right
    expect(await statusOf(id)).to.equal('COMPLETE');
    expect((await trading.cash(0)).cash - cash).to.equal(usd('100'));
  });

  it('in a place that is taken dispute the transfer, once', async () => {
    const id = await sent();
    await post(paymentEvent(id, 'payment.settled'));
    expect(await isDisputed(id)).to.equal(false);
    const other = paymentEvent(id, 'payment.failed');
    await post(other);
    expect(await isDisputed(id)).to.equal(true);
    await resolve(id);
    await post(other); // it is known
    expect(await isDisputed(id)).to.equal(false);
    expect(await statusOf(id)).to.equal('COMPLETE');
  });

  it('that have disputed a transfer are told until staff have settled it, once', async () => {
    const disputes = async (): Promise<number> => {
      await lookAfterTransfers(transferDeps(trading));
      const metric = await register.getSingleMetric('brokerx_disputed_transfers')!.get();
      return metric.values[0]!.value;
    };
    const before = await disputes();
    const id = await sent('OUTGOING');
    await post(paymentEvent(id, 'payment.settled'));
    await post(paymentEvent(id, 'payment.failed', { sequence: 2 }));
    expect(await disputes()).to.equal(before + 1);
    const cash = await trading.cash(0);
    const listed = await api.call('GET', '/v2/admin/transfers?disputed=true', { as: ops });
    const ids = (listed.body as { transfers: { id: string }[] }).transfers.map((one) => one.id);
    expect(ids).to.include(id);
    const answer = await resolve(id);
    expect(answer.status).to.equal(200);
    expect(answer.body).to.include({ id, status: 'COMPLETE', disputed: false });
    expect(await disputes()).to.equal(before);
    expect(await trading.cash(0)).to.deep.equal(cash);
    const { body } = await api.call('GET', `/v2/admin/transfers/${id}`, { as: ops });
    const types = (body.events as { type: string }[]).map(({ type }) => type);
    expect(types.slice(-2)).to.deep.equal(['contradiction: failed', 'dispute_resolved']);
    expectProblem(await resolve(id), 409, 40910032);
    expectProblem(await resolve(uuidv7()), 404, 40410000);
  });

  it('without a right and fresh signature are refused, leave nothing and are counted', async () => {
    const id = await sent();
    const event = paymentEvent(id, 'payment.settled');
    const ago = (ms: number) => new Date(Date.now() - ms);
    const forgeries: [reason: string, options: NonNullable<Parameters<typeof postEvent>[3]>][] = [
      ['wrong_signature', { secret: 'x'.repeat(40) }],
      ['wrong_signature', { body: JSON.stringify({ ...event, reason: 'changed' }) }],
      ['wrong_signature', { headers: { 'webhook-id': uuidv7() } }],
      ['wrong_signature', { headers: { 'webhook-signature': 'v1,' } }],
      ['wrong_signature', { headers: { 'webhook-signature': 'v1a,AAAA v1,????' } }],
      ['wrong_signature', { headers: { 'webhook-timestamp': 'now' } }],
      ['missing', { headers: { 'webhook-signature': '' } }],
      ['too_old', { sentAt: ago(5 * MINUTE_MS + 2_000) }],
      ['too_old', { sentAt: ago(-5 * MINUTE_MS - 2_000) }],
    ];
    for (const [reason, options] of forgeries) {
      const before = await refused(reason);
      const answer = await post(event, options);
      expectProblem(answer, 401, 40110000);
      expect((await refused(reason)) - before, reason).to.equal(1);
    }
    expect(await kept(id)).to.deep.equal([]);
    expect(await statusOf(id)).to.equal('SENT_TO_CLEARING');
    expect((await post(event, { sentAt: ago(5 * MINUTE_MS - 10_000) })).status).to.equal(200);
    expect(await statusOf(id)).to.equal('COMPLETE');
  });

  it('that we cannot understand, or about nothing of ours, are refused', async () => {
    const id = await sent();
    expectProblem(await post(paymentEvent(uuidv7(), 'payment.settled')), 404, 40410000);
    const unknown = { ...paymentEvent(id, 'payment.settled'), type: 'payment.lost' as never };
    expectProblem(await post(unknown), 422, 42210000);
    const zero = paymentEvent(id, 'payment.settled', { sequence: 0 });
    expectProblem(await post(zero), 422, 42210000);
    expect(await kept(id)).to.deep.equal([]);
  });
});
