import { expect } from 'chai';
import { Agent, EventSource } from 'undici';
import { createPerson, expectProblem, startApi, type Api } from '../support/api.js';
import { EventLog, idsUpTo } from '../support/event-log.js';
import { EventStreamClient } from '../support/event-stream-client.js';
import { eventually } from '../support/eventually.js';
import { StreamClient } from '../support/stream-client.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('server-sent events at /v2/events', () => {
  let trading: Trading;
  let api: Api;
  const clients: (EventStreamClient | StreamClient)[] = [];

  before(async () => {
    trading = await startTrading(8);
    api = await startApi(trading);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  async function open(account: number, query = '', headers: Record<string, string> = {}) {
    const key = trading.accounts[account]!;
    const client = await EventStreamClient.open(api.url, key, query, headers);
    clients.push(client);
    return client;
  }
  async function logOf(account: number): Promise<EventLog> {
    const order = await trading.place({ account, side: 'buy', qty: '1', price: '1' });
    return new EventLog(trading, order.accountId, order.id); // its log begins with one event
  }
  const got = (client: EventStreamClient, ids: number[], withinMs?: number) =>
    eventually(async () => {
      expect(client.ids).to.deep.equal(ids);
      await Promise.resolve();
    }, withinMs);
  const ended = (client: EventStreamClient) =>
    eventually(async () => {
      expect(client.isEnded).to.equal(true);
      await Promise.resolve();
    });

  it('send the same as the JSON pages, after a hint when to connect again', async () => {
    const log = await logOf(0);
    await log.write(2);
    const client = await open(0, '?since_id=0');
    await got(client, [1, 2, 3]);
    expect(client.answer.headers).to.include({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
    });
    expect(client.lines[0]).to.match(/^retry: \d+$/);
    const { body, headers } = await api.call('GET', '/v2/events', { as: trading.accounts[0] });
    expect(headers.get('content-type')).to.match(/^application\/json/);
    expect(headers.get('vary')).to.match(/Accept/);
    expect(client.events.map(({ data }) => JSON.parse(data!) as unknown)).to.deep.equal(
      body.events,
    );
    expect(client.events.map(({ event }) => event)).to.deep.equal(['pending_new', 'new', 'new']);
  });

  it('begin with what happens from now on when nothing is said', async () => {
    const log = await logOf(1);
    const client = await open(1);
    await log.write(2);
    await got(client, [2, 3]);
  });

  it('go from history to live events without a gap or a duplicate', async () => {
    const log = await logOf(2);
    await log.write(99);
    const writing = (async () => {
      for (let count = 0; count < 200; count += 1) await log.write(1);
    })();
    const [first, second] = await Promise.all([open(2, '?since_id=0'), open(2, '?since_id=40')]);
    await writing;
    await got(first, idsUpTo(300));
    await got(second, idsUpTo(300, 41));
  });

  it('go on after Last-Event-ID, which counts more than since_id', async () => {
    const log = await logOf(3);
    await log.write(9);
    const client = await open(3, '?since_id=2', { 'Last-Event-ID': '7' });
    await got(client, [8, 9, 10]);
  });

  it('end after until_id, also when that is still to come', async () => {
    const log = await logOf(4);
    await log.write(9);
    const past = await open(4, '?since_id=3&until_id=5');
    await ended(past);
    expect(past.ids).to.deep.equal([4, 5]);
    const future = await open(4, '?until_id=12');
    await log.write(5);
    await ended(future);
    expect(future.ids).to.deep.equal([11, 12]);
    const nothing = await open(4, '?since_id=5&until_id=5');
    expect(nothing.answer.statusCode).to.equal(204);
  });

  it('end in a page of JSON as well', async () => {
    const as = trading.accounts[4];
    const page = async (query: string) =>
      (await api.call('GET', `/v2/events?${query}`, { as })).body as {
        events: { event_id: number }[];
        next_since_id: number;
      };
    const { events, next_since_id: next } = await page('since_id=3&until_id=6');
    expect(events.map(({ event_id: id }) => id)).to.deep.equal([4, 5, 6]);
    expect(next).to.equal(6);
    expect(await page('since_id=6&until_id=2')).to.deep.equal({ events: [], next_since_id: 6 });
  });

  it('are read by an EventSource, which resumes by itself and stops when told', async () => {
    const { key_id, secret_key } = trading.accounts[4]!;
    const headers = { 'APCA-API-KEY-ID': key_id, 'APCA-API-SECRET-KEY': secret_key };
    const asked: unknown[] = [];
    const dispatcher = new Agent().compose((dispatch) => (options, handler) => {
      const own = options.headers as Record<string, string>;
      asked.push(own['last-event-id']);
      return dispatch({ ...options, headers: { ...own, ...headers } }, handler);
    });
    const source = new EventSource(`${api.url}/v2/events?since_id=0&until_id=3`, { dispatcher });
    const ids: string[] = [];
    for (const type of ['pending_new', 'new']) {
      source.addEventListener(type, (event) => {
        ids.push((event as unknown as { lastEventId: string }).lastEventId);
      });
    }
    await eventually(async () => {
      expect(source.readyState).to.equal(source.CLOSED);
      await Promise.resolve();
    });
    expect(ids).to.deep.equal(['1', '2', '3']);
    expect(asked.at(-1)).to.equal('3');
    await dispatcher.close();
  });

  for (const [query, headers, field] of [
    ['?since_id=x', {}, 'since_id'],
    ['?until_id=-1', {}, 'until_id'],
    ['?since_id=99', {}, 'since_id'],
    ['', { 'Last-Event-ID': 'abc' }, 'Last-Event-ID'],
    ['', { 'Last-Event-ID': '1e3' }, 'Last-Event-ID'],
    ['', { 'Last-Event-ID': '99' }, 'Last-Event-ID'],
  ] as [string, Record<string, string>, string][]) {
    it(`refuses ${query}${JSON.stringify(headers)} before they begin`, async () => {
      const answer = await api.call('GET', `/v2/events${query}`, {
        as: trading.accounts[7],
        headers: { Accept: 'text/event-stream', ...headers },
      });
      expectProblem(answer, 422, 42210000);
      expect(answer.body.detail).to.include(field);
    });
  }

  it('end with the key: within a second after it is revoked', async () => {
    const { account_id: accountId } = trading.accounts[5]!;
    const { knex } = trading.container.db;
    const person = await createPerson(trading, { accountId });
    const client = await EventStreamClient.open(api.url, person);
    const started = performance.now();
    await knex('api_keys').where({ id: person.key_id }).update({ revoked_at: knex.fn.now() });
    await ended(client);
    expect(performance.now() - started).to.be.lessThan(1_500);
    expect(client.events.at(-1)!.event).to.equal('stream_error');
    expect(client.events.at(-1)!.data).to.match(/revoked/);
  });

  it('end when the access token expires', async () => {
    const { account_id: accountId } = trading.accounts[5]!;
    const stream = api.streams.open.add('sse');
    let message = '';
    stream.onEnd = (ending) => (message = ending.message);
    api.streams.open.identify(stream, {
      clientId: 'x',
      accountId,
      role: 'client',
      scopes: ['read'],
      credential: 'session',
      keyId: null,
      credentialId: 'a session',
      expiresAt: Date.now() + 50,
    });
    await eventually(async () => {
      expect(message).to.match(/expired/);
      await Promise.resolve();
    });
    api.streams.open.remove(stream);
  });

  it('count towards the 20 streams of an account, and no longer when they are closed', async () => {
    const small = await startApi(trading, { streamLimits: { perAccount: 2 } });
    const key = trading.accounts[6]!;
    const first = await EventStreamClient.open(small.url, key);
    const second = await StreamClient.listen(small.url, key);
    const third = await small.call('GET', '/v2/events', {
      as: key,
      headers: { Accept: 'text/event-stream' },
    });
    expectProblem(third, 429, 42910000);
    first.close();
    await eventually(async () => {
      const again = await EventStreamClient.open(small.url, key);
      expect(again.answer.statusCode).to.equal(200);
    });
    second.close();
    await small.stop();
  });

  it('end when the server stops, and no new ones begin', async () => {
    const stopping = await startApi(trading);
    const client = await EventStreamClient.open(stopping.url, trading.accounts[5]!);
    stopping.streams.stop();
    await ended(client);
    const answer = await stopping.call('GET', '/v2/events', {
      as: trading.accounts[5],
      headers: { Accept: 'text/event-stream' },
    });
    expectProblem(answer, 503, 50310000);
    await stopping.stop();
  });

  describe('to a client that does not read', () => {
    const EVENTS = 20_000; // more than the sockets of this machine hold
    let log: EventLog;
    let slowApi: Api;

    before(async () => {
      slowApi = await startApi(trading, { streamLimits: { stalledMs: 300 } });
      log = await logOf(7);
      await log.write(EVENTS - 1);
    });
    after(() => slowApi.stop());

    /** It is dropped while it reads nothing, and may read what is on its way afterwards. */
    const dropped = async (kind: string) => {
      const count = async () =>
        Number(
          new RegExp(`streams_ended_total\\{kind="${kind}",reason="slow"\\} (\\d+)`).exec(
            (await slowApi.call('GET', '/metrics')).body as string,
          )?.[1] ?? 0,
        );
      const before = await count();
      return eventually(async () => {
        expect(await count()).to.equal(before + 1);
      });
    };

    it('says so, ends, and can be resumed without a gap', async () => {
      const key = trading.accounts[7]!;
      const client = await EventStreamClient.open(slowApi.url, key, '?since_id=0');
      client.answer.pause();
      await dropped('sse');
      client.answer.resume();
      await ended(client);
      expect(client.events.at(-1)!.event).to.equal('stream_error');
      expect(client.events.at(-1)!.data).to.match(/Too slow.*since_id/);
      const last = client.ids.at(-1)!;
      expect(last).to.be.lessThan(EVENTS);
      expect(client.ids).to.deep.equal(idsUpTo(last));
      const again = await EventStreamClient.open(slowApi.url, key, '', {
        'Last-Event-ID': String(last),
      });
      await got(again, idsUpTo(EVENTS, last + 1), 20_000);
      again.close();
    }).timeout(40_000);

    it('does the same on a WebSocket, with close code 1013', async () => {
      const key = trading.accounts[7]!;
      const client = await StreamClient.listen(slowApi.url, key);
      client.socket.pause();
      client.send({ action: 'listen', data: { streams: ['trade_updates'], since_id: 0 } });
      await dropped('websocket');
      client.socket.resume();
      expect(await client.end()).to.include({ code: 1013 });
      expect(client.messages.at(-1)!.data.error).to.match(/Too slow.*since_id/);
      const ids = client.events.map(({ event_id: id }) => id as number);
      expect(ids).to.deep.equal(idsUpTo(ids.length));
      expect(ids.length).to.be.lessThan(EVENTS);
    }).timeout(40_000);
  });
});
