import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { connectDatabase } from '../../src/db.js';
import type { DemoClient } from '../../src/embedded/demo.js';
import { addEndpoints } from '../bench/endpoints.js';
import { readSymbols } from '../bench/floor.js';
import type { Instance } from '../bench/instance.js';
import { MarketListeners } from '../bench/market-listeners.js';
import { runPacedLoad } from '../bench/paced-load.js';
import { StreamClients } from '../bench/stream-clients.js';

/** What the clients of an instance do, so that every dashboard has something to show. */

const ORDERS_PER_SECOND = 30;
const SYMBOLS = 5;
const STREAMS = 4;
const ROUND_MS = 500;
/** By its cents the payment provider settles, fails or refuses a transfer (docs/api.md). */
const DEPOSITS = ['10.00', '10.02', '10.03', '10.08'];

export interface Activity {
  readonly seconds: number;
  /** The instance's SECRETS_KEY. */
  readonly secretsKey: string;
}

/**
 * Places, replaces and cancels orders, some of which are refused; deposits; listens on streams; has
 * webhooks that answer and that do not. Returns when the time is over.
 */
export async function beBusy(instance: Instance, { seconds, secretsKey }: Activity): Promise<void> {
  const { url, demo } = instance;
  const [taker, refuser] = demo.clients.map(({ account_id: id }) => id);
  const receivers = await Promise.all([startReceiver(204), startReceiver(500)]);
  const db = connectDatabase(instance.databaseUrl, 'drill', 2);
  const streams = new StreamClients(url);
  const market = new MarketListeners(url);
  try {
    await addEndpoints(db, [taker!], receivers[0].url, secretsKey);
    await addEndpoints(db, [refuser!], receivers[1].url, secretsKey);
    const symbols = await readSymbols(db, SYMBOLS);
    await streams.open(STREAMS, demo.clients);
    await market.open(STREAMS, demo.clients);
    const events = followEvents(url, demo.clients[0]!, seconds);
    const load = { url, accounts: demo.clients, symbols, seed: 1 };
    await Promise.all([
      runPacedLoad({ ...load, perSecond: ORDERS_PER_SECOND, seconds }),
      ...demo.clients.map((client) => doAllSorts(url, client, seconds)),
      events,
    ]);
  } finally {
    streams.close();
    market.close();
    await db.close();
    for (const { stop } of receivers) stop();
  }
}

/** A client's program that gets webhooks, and answers always the same. */
async function startReceiver(status: number): Promise<{ url: string; stop: () => void }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}/`, stop };
}

const keyOf = ({ key_id, secret_key }: DemoClient) => ({
  'APCA-API-KEY-ID': key_id,
  'APCA-API-SECRET-KEY': secret_key,
});

/** Reads server-sent events until the time is over. */
async function followEvents(url: string, client: DemoClient, seconds: number): Promise<void> {
  const signal = AbortSignal.timeout(seconds * 1_000);
  const headers = { ...keyOf(client), Accept: 'text/event-stream' };
  try {
    const { body } = await fetch(`${url}/v2/events`, { headers, signal });
    await body?.pipeTo(new WritableStream(), { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** What is beside the plain orders: replacements, cancellations, refusals, reads, deposits. */
async function doAllSorts(url: string, client: DemoClient, seconds: number): Promise<void> {
  const call = async (method: string, path: string, body?: object, extra = {}) => {
    const headers = { ...keyOf(client), 'Content-Type': 'application/json', ...extra };
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`${url}${path}`, { method, headers, ...text });
    return { headers: answer.headers, body: await answer.text() };
  };
  const banks = JSON.parse((await call('GET', '/v2/bank_accounts')).body) as { id: string }[];
  const order = { symbol: 'KO', qty: '1', side: 'buy', type: 'limit', time_in_force: 'day' };
  const began = performance.now();
  const share = () => (performance.now() - began) / (seconds * 1_000);
  let deposits = 0;
  for (let round = 0; share() < 1; round += 1) {
    const made = await call('POST', '/v2/orders', { ...order, limit_price: '50' });
    const { id } = JSON.parse(made.body) as { id: string };
    const replaced = await call('PATCH', `/v2/orders/${id}`, { limit_price: '51' });
    await call('DELETE', `/v2/orders/${(JSON.parse(replaced.body) as { id?: string }).id ?? id}`);
    await call('POST', '/v2/orders', { ...order, qty: '900000', limit_price: '50' }); // has no money
    await call('POST', '/v2/orders', { ...order, symbol: 'NONE', limit_price: '50' });
    const { headers } = await call('GET', '/v2/account');
    await call('GET', '/v2/account', undefined, { 'If-None-Match': headers.get('etag') ?? '' });
    await call('GET', `/v2/orders/${randomUUID()}`);
    // All over the time; with more of them the limits would refuse some.
    const isTime = share() * DEPOSITS.length >= deposits;
    const amount = isTime ? DEPOSITS[deposits++] : undefined;
    const deposit = { direction: 'INCOMING', amount, bank_account_id: banks[0]?.id };
    const key = { 'Idempotency-Key': randomUUID() };
    if (amount !== undefined || round % 10 === 0) await call('POST', '/v2/transfers', deposit, key);
    await sleep(ROUND_MS);
  }
}
