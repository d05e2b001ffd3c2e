import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Knex } from 'knex';
import { systemActor } from '../../src/audit/record.js';
import { connectDatabase } from '../../src/db.js';
import { freePort } from '../../src/embedded/free-port.js';
import { createSealer } from '../../src/identity/sealer.js';
import { createEndpoint } from '../../src/webhooks/service.js';
import { eventually } from '../support/eventually.js';
import { startProduct, type Product } from '../support/processes.js';
import { TraceReceiver, type ReceivedSpan } from '../support/trace-receiver.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';
import { LOCAL_WEBHOOKS } from '../support/webhooks.js';

const SECRETS_KEY = 'a key of this test that has more than 32 characters';
const NOTE_MODULES = new URL('../support/note-loaded-modules.mjs', import.meta.url).href;
const TOLD_WITHIN_MS = 20_000;
/** Longer than spans are gathered before they are sent. */
const SENT_BY_THEN_MS = 2_500;
const ENV = {
  MARKET_SIMULATOR: 'off',
  NOTIFICATION_WINDOW_MS: '0',
  LOG_LEVEL: 'http',
  NODE_OPTIONS: `--import=${NOTE_MODULES}`,
  SECRETS_KEY,
  ...LOCAL_WEBHOOKS,
};

const newTrace = () => {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` };
};

const notSampled = (): string => newTrace().traceparent.replace(/01$/, '00');

/** @param client counted from 0 */
async function place(
  product: Product,
  client: number,
  side: 'buy' | 'sell',
  headers: Record<string, string> = {},
): Promise<string> {
  const { key_id: keyId, secret_key: secretKey } = product.demo.clients[client]!;
  const response = await fetch(`${product.demo.url}/v2/orders`, {
    method: 'POST',
    headers: {
      'APCA-API-KEY-ID': keyId,
      'APCA-API-SECRET-KEY': secretKey,
      'Content-Type': 'application/json',
      ...headers,
    },
    body: JSON.stringify({
      symbol: 'AAPL',
      qty: '1',
      side,
      type: 'limit',
      limit_price: await priceOf(product),
      time_in_force: 'day',
    }),
  });
  const { id } = (await response.json()) as { id: string };
  expect(response.status).to.equal(200);
  return id;
}

async function onDatabase<T>({ demo }: Product, work: (knex: Knex) => Promise<T>): Promise<T> {
  const db = connectDatabase(demo.database_url, 'test', 1);
  try {
    return await work(db.knex);
  } finally {
    await db.close();
  }
}

/** The last trade or the reference price: within every collar. */
const priceOf = (product: Product): Promise<string> =>
  onDatabase(product, async (knex) => {
    const { rows } = await knex.raw<{ rows: { price: bigint }[] }>(
      `select coalesce(last_price, reference_price) as price
       from market_prices join assets on assets.id = asset_id where symbol = 'AAPL'`,
    );
    return (Number(rows[0]!.price / 100n) / 100).toFixed(2);
  });

const untilFilled = (product: Product, orderId: string): Promise<void> =>
  onDatabase(product, (knex) =>
    eventually(async () => {
      const order = await knex('orders').where({ id: orderId }).first<{ status: string }>();
      expect(order.status).to.equal('filled');
    }),
  );

/** The lines of all processes' logs. */
async function logLines({ dataDir }: Product): Promise<Record<string, unknown>[]> {
  const folder = join(dataDir, 'logs');
  const files = (await readdir(folder)).filter((name) => /^(api|worker)/.test(name));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  return texts
    .flatMap((text) => text.split('\n'))
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** By process that has ended: whether it has loaded anything of the SDK. */
async function loadedSdk({ dataDir }: Product): Promise<Map<string, boolean>> {
  const folder = join(dataDir, 'loaded');
  const loaded = new Map<string, boolean>();
  for (const name of await readdir(folder)) {
    const text = await readFile(join(folder, name), 'utf8');
    const { file, modules } = JSON.parse(text) as { file: string; modules: string[] };
    const sdk = modules.filter((path) => /@opentelemetry\/(?!api\/)|bullmq-otel/.test(path));
    const process = /(main|workers\/main)\.js$/.exec(file) ? file.replace(/^.*dist\//, '') : null;
    if (process) loaded.set(process, (loaded.get(process) ?? false) || sdk.length > 0);
  }
  return loaded;
}

describe('tracing', function () {
  this.timeout(120_000);

  describe('of every request', () => {
    let product: Product;
    let traces: TraceReceiver;
    let webhooks: WebhookReceiver;

    before(async () => {
      [traces, webhooks] = await Promise.all([TraceReceiver.start(), WebhookReceiver.start()]);
      product = await startProduct({
        env: {
          ...ENV,
          TRACING: 'otlp',
          TRACING_SAMPLE_RATIO: '1',
          OTEL_EXPORTER_OTLP_ENDPOINT: traces.url,
        },
      });
      await addEndpoint(0);
    });
    after(async () => {
      await product.stop();
      await Promise.all([traces.stop(), webhooks.stop()]);
    });

    const addEndpoint = (client: number) =>
      onDatabase(product, async (knex) => {
        const { account_id: accountId } = product.demo.clients[client]!;
        const { client_id: clientId } = await knex('accounts')
          .where({ id: accountId })
          .first<{ client_id: string }>();
        const rules = { allowHttp: true, allowPrivate: true, secretOverlapMs: 0 };
        await createEndpoint(
          { knex, sealer: createSealer(SECRETS_KEY), rules },
          { clientId, accountId, by: systemActor('test') },
          { url: `${webhooks.url}?token=of-the-client`, events: ['*'], description: '' },
        );
      });

    const untilTraced = async (traceId: string, ...names: string[]): Promise<ReceivedSpan[]> => {
      await eventually(() => {
        expect(traces.trace(traceId).map(({ name }) => name)).to.include.members(names);
        return Promise.resolve();
      }, TOLD_WITHIN_MS);
      return traces.trace(traceId);
    };
    const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan =>
      spans.find((span) => span.name === name)!;

    it('is one trace from the request to the mail and the webhook, over all processes', async () => {
      await place(product, 1, 'sell');
      const caller = newTrace();
      const orderId = await place(product, 0, 'buy', { traceparent: caller.traceparent });

      const spans = await untilTraced(
        caller.traceId,
        'POST /v2/orders',
        'intake',
        'intake transaction',
        'wait for a worker',
        'execute',
        'settle',
        'gather notifications',
        'send mail',
        'post webhook',
      );
      const request = named(spans, 'POST /v2/orders');
      expect(request).to.include({ parentSpanId: caller.spanId, service: 'brokerx-api' });
      expect(request.attributes).to.include({
        'http.route': '/v2/orders',
        'http.response.status_code': 200,
        'brokerx.order_id': orderId,
      });
      const known = new Set([caller.spanId, ...spans.map(({ spanId }) => spanId)]);
      const orphans = spans.filter(({ parentSpanId }) => !known.has(parentSpanId));
      expect(orphans.map(({ name }) => name)).to.deep.equal([]);
      expect(spans.filter(({ failed }) => failed)).to.deep.equal([]);

      const steps = [
        'intake transaction',
        'execute',
        'settle',
        'gather notifications',
        'send mail',
      ];
      const times = steps.map((name) => named(spans, name).startedAt);
      expect(times).to.deep.equal([...times].sort((a, b) => a - b));
      for (const name of [
        'execute',
        'settle',
        'gather notifications',
        'send mail',
        'post webhook',
      ]) {
        expect(named(spans, name).service, name).to.equal('brokerx-worker');
      }
    });

    it('shows the statements and the jobs below what they belong to', async () => {
      await place(product, 1, 'sell', { traceparent: notSampled() }); // or it could have some of them
      const { traceId, traceparent } = newTrace();
      await place(product, 0, 'buy', { traceparent });
      const spans = await untilTraced(traceId, 'send mail', 'settle');
      const below = (name: string): string[] =>
        spans
          .filter(({ parentSpanId }) => parentSpanId === named(spans, name).spanId)
          .map((span) => span.name);

      const job = spans.find(({ name }) => name.startsWith('process orders-'))!;
      const nudge = spans.find(({ name }) => name.startsWith('add orders-'))!;
      expect(job.parentSpanId).to.equal(nudge.spanId);
      expect([nudge.service, job.service]).to.deep.equal(['brokerx-api', 'brokerx-worker']);
      expect(below('intake transaction')).to.include.members([
        'intake-insert-orders',
        'commit',
        nudge.name,
      ]);
      expect(below(job.name.replace('process', 'complete'))).to.include('EVALSHA');
      expect(below('settle')).to.include('execute-insert-executions');
      expect(below('gather notifications').some((name) => name === 'INSERT')).to.equal(true);
    });

    it('follows a resting order to the trade that somebody else brings about', async () => {
      const seller = newTrace();
      const buyer = newTrace();
      await place(product, 1, 'sell', { traceparent: seller.traceparent });
      await untilTraced(seller.traceId, 'settle'); // it rests
      await place(product, 0, 'buy', { traceparent: buyer.traceparent });

      const spans = await untilTraced(seller.traceId, 'gather notifications', 'send mail');
      const settled = spans.filter(({ name }) => name === 'settle');
      expect(settled.map(({ linkedTraces }) => linkedTraces)).to.deep.include([buyer.traceId]);
    });

    it('names the trace in the log lines of the request and of the pass', async () => {
      await place(product, 1, 'sell', { traceparent: notSampled() }); // its line would name the first of two
      const { traceId, traceparent } = newTrace();
      const orderId = await place(product, 0, 'buy', { traceparent });
      const spans = await untilTraced(traceId, 'settle');

      const lines = await logLines(product);
      const request = lines.find((line) => line['order_id'] === orderId)!;
      expect(request).to.include({ trace_id: traceId, message: 'request' });
      expect(request['span_id']).to.equal(named(spans, 'POST /v2/orders').spanId);
      const settled = lines.find(
        ({ message, order_ids: ids }) =>
          message === 'settled' && (ids as string[]).includes(orderId),
      )!;
      expect(settled).to.include({ trace_id: traceId, span_id: named(spans, 'settle').spanId });
      const outside = lines.find(({ message }) => message === 'listening')!;
      expect(outside).not.to.have.any.keys('trace_id', 'span_id');
    });

    it('begins with requests only, and with none of a health check', async () => {
      for (const path of ['/health', '/ready', '/metrics']) await fetch(product.demo.url + path);
      await sleep(SENT_BY_THEN_MS);
      const first = traces.spans.filter(({ parentSpanId }) => parentSpanId === '');
      expect(first.length).to.be.greaterThan(0);
      expect([...new Set(first.map(({ name }) => name))]).to.deep.equal(['POST /v2/orders']);
    });

    it('says nothing about the client: no name, address, key, URL or value', async () => {
      const clients = await onDatabase(product, (knex) =>
        knex('clients as c')
          .join('accounts as a', 'a.client_id', 'c.id')
          .select<Record<string, string>[]>('c.email', 'a.account_number', 'a.id'),
      );
      const keys = product.demo.clients.flatMap(({ key_id: id, secret_key: secret }) => [
        id,
        secret,
      ]);
      const secrets = [...keys, 'of-the-client', ...clients.flatMap(Object.values)].map(String);
      const said = traces.bodies.join('\n');
      expect(said.length).to.be.greaterThan(10_000);
      expect(secrets.filter((secret) => said.includes(secret))).to.deep.equal([]);
    });

    it('loads the SDK, and sends what it has when it stops', async () => {
      const { traceId, traceparent } = newTrace();
      await place(product, 0, 'buy', { traceparent });
      await product.end();
      expect(traces.trace(traceId).map(({ name }) => name)).to.include('POST /v2/orders');
      const loaded = await loadedSdk(product);
      expect(Object.fromEntries(loaded)).to.deep.equal({
        'src/main.js': true,
        'workers/main.js': true,
      });
    });
  });

  it('leaves the choice to a caller who has made one, at a ratio of 0, and traces nobody else', async () => {
    const traces = await TraceReceiver.start();
    const env = { TRACING: 'otlp', TRACING_SAMPLE_RATIO: '0' };
    const product = await startProduct({
      env: { ...ENV, ...env, OTEL_EXPORTER_OTLP_ENDPOINT: traces.url },
    });
    try {
      await place(product, 1, 'sell');
      await untilFilled(product, await place(product, 0, 'buy', { traceparent: notSampled() }));
      await sleep(SENT_BY_THEN_MS);
      expect(traces.spans).to.deep.equal([]);

      const { traceId, traceparent } = newTrace();
      await place(product, 0, 'buy', { traceparent });
      await eventually(() => {
        expect(traces.trace(traceId).map(({ name }) => name)).to.include('settle');
        return Promise.resolve();
      });
      expect(traces.spans.filter((span) => span.traceId !== traceId)).to.deep.equal([]);
    } finally {
      await product.stop();
      await traces.stop();
    }
  });

  it('disturbs nothing while its receiver is away, but for a warning', async () => {
    const env = { TRACING: 'otlp', TRACING_SAMPLE_RATIO: '1' };
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const product = await startProduct({
      env: { ...ENV, ...env, OTEL_EXPORTER_OTLP_ENDPOINT: nobody },
    });
    try {
      await place(product, 1, 'sell');
      await untilFilled(product, await place(product, 0, 'buy'));
      const warnings = async () =>
        (await logLines(product)).filter(({ level }) => level === 'warn' || level === 'error');
      await eventually(async () => {
        const about = new Set((await warnings()).map(({ message }) => message));
        about.delete('a new file of audit anchors begins'); // as at every first start
        expect([...about]).to.deep.equal(['traces are not sent']);
      }, TOLD_WITHIN_MS);
      const started = performance.now();
      expect(await product.end()).to.deep.equal({ code: 0, signal: null });
      expect(performance.now() - started).to.be.lessThan(10_000);
    } finally {
      await product.stop();
    }
  });

  it('that is off loads nothing of the SDK, and writes nothing', async () => {
    const product = await startProduct({ env: ENV });
    try {
      await place(product, 1, 'sell');
      const { traceparent } = newTrace();
      const orderId = await place(product, 0, 'buy', { traceparent });
      await untilFilled(product, orderId);
      expect(await onDatabase(product, (knex) => knex('order_traces').select())).to.deep.equal([]);
      await product.end();
      const loaded = await loadedSdk(product);
      expect(Object.fromEntries(loaded)).to.deep.equal({
        'src/main.js': false,
        'workers/main.js': false,
      });
      const lines = await logLines(product);
      expect(lines.filter((line) => 'trace_id' in line)).to.deep.equal([]);
    } finally {
      await product.stop();
    }
  });
});
