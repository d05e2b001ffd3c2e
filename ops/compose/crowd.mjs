import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const ANSWER_MAX_MS = 30_000;
const CLOSED = new Set(['filled', 'canceled', 'expired', 'rejected', 'replaced']);
const SYMBOLS = ['AAPL', 'MSFT', 'NVDA', 'AMZN', 'GOOGL', 'META', 'TSLA', 'JPM'];

/** A request of one client. @returns status, headers and the parsed body */
export async function call(url, client, method, path, { body, headers = {} } = {}) {
  const response = await fetch(url + path, {
    method,
    signal: AbortSignal.timeout(ANSWER_MAX_MS),
    headers: {
      'APCA-API-KEY-ID': client.key_id,
      'APCA-API-SECRET-KEY': client.secret_key,
      ...(body && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? JSON.parse(text) : text,
  };
}

const marketOrder = (turn) => ({
  symbol: SYMBOLS[turn % SYMBOLS.length],
  qty: '1',
  side: turn % 2 === 0 ? 'buy' : 'sell',
  type: 'market',
  time_in_force: 'day',
});

/**
 * Clients that place orders and look at them, at a steady pace whatever the answers are. Two of three
 * orders have an Idempotency-Key.
 * @param perSecond requests; every second one is an order
 * @returns what happened so far, and how to end it
 */
export function startCrowd(url, clients, perSecond) {
  const seen = { placed: [], requests: 0, failures: [], slowestMs: 0 };
  const underWay = new Set();
  let turn = 0;
  const timer = setInterval(() => {
    const one = request(url, clients[turn % clients.length], turn++, seen);
    underWay.add(one);
    void one.finally(() => underWay.delete(one));
  }, 1_000 / perSecond);
  return {
    seen,
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
    },
  };
}

async function request(url, client, turn, seen) {
  const isOrder = turn % 2 === 0;
  const isKeyed = turn % 6 !== 0;
  const what = isOrder ? `POST ${isKeyed ? 'with' : 'without'} a key` : 'GET';
  const began = performance.now();
  seen.requests++;
  try {
    const answer = isOrder
      ? await call(url, client, 'POST', '/v2/orders', {
          body: marketOrder(turn / 2),
          headers: isKeyed ? { 'Idempotency-Key': randomUUID() } : {},
        })
      : await call(url, client, 'GET', '/v2/orders?status=open&limit=5');
    if (answer.status !== 200) {
      seen.failures.push(`${what}: ${answer.status} ${answer.body.detail ?? answer.body}`);
    } else if (isOrder) seen.placed.push({ client, id: answer.body.id });
  } catch (error) {
    seen.failures.push(`${what}: ${String(error.cause ?? error)}`);
  }
  seen.slowestMs = Math.max(seen.slowestMs, performance.now() - began);
}

/** Failures of a kind as one line each, with how many there were. */
export function kindsOf(failures) {
  const counts = new Map();
  for (const text of failures) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, count]) => `${count} x ${text}`);
}

/** Waits for the end of each order. @returns those that are not closed in time, or not known at all */
export async function openAfter(url, orders, maxMs) {
  let waiting = orders.map((order) => ({ ...order, status: 'unknown' }));
  for (const until = Date.now() + maxMs; ; await sleep(500)) {
    const still = [];
    for (const order of waiting) {
      const { status, body } = await call(url, order.client, 'GET', `/v2/orders/${order.id}`);
      const state = status === 200 ? body.status : `HTTP ${status}`;
      if (!CLOSED.has(state)) still.push({ ...order, status: state });
    }
    waiting = still;
    if (waiting.length === 0 || Date.now() > until) return waiting;
  }
}
