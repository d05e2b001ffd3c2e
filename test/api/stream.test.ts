import { decode, encode } from '@msgpack/msgpack';
import { expect } from 'chai';
import { createPerson, startApi, type Api } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { sessionOf } from '../support/session.js';
import { authenticate, StreamClient } from '../support/stream-client.js';
import { startTrading, type Trading } from '../support/trading.js';

const LISTEN = { action: 'listen', data: { streams: ['trade_updates'] } };
const AUTHORIZED = {
  stream: 'authorization',
  data: { status: 'authorized', action: 'authenticate' },
};
const LISTENING = { stream: 'listening', data: { streams: ['trade_updates'] } };

describe('the WebSocket /stream', () => {
  let trading: Trading;
  let api: Api;
  const clients: StreamClient[] = [];

  before(async () => {
    trading = await startTrading(6);
    api = await startApi(trading);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  async function connect(
    ...args: Parameters<typeof StreamClient.connect> extends [string, ...infer Rest] ? Rest : never
  ) {
    const client = await StreamClient.connect(api.url, ...args);
    clients.push(client);
    return client;
  }
  async function listen(account: number, data: object = {}) {
    const client = await StreamClient.listen(api.url, trading.accounts[account]!, data);
    clients.push(client);
    return client;
  }
  const place = (account: number) => trading.place({ account, side: 'buy', qty: '1', price: '1' });
  const idsOf = (client: StreamClient): number[] =>
    client.events.map(({ event_id: id }) => id as number);

  async function hasEvents(client: StreamClient, count: number): Promise<void> {
    await eventually(async () => {
      expect(client.events).to.have.length(count);
      await Promise.resolve();
    });
  }

  describe('authentication', () => {
    it('accepts a key in the message, in both forms that SDKs send', async () => {
      const key = trading.accounts[0]!;
      const old = await connect();
      expect(await old.ask(authenticate(key))).to.deep.equal(AUTHORIZED);
      const newer = await connect();
      const message = { action: 'auth', key: key.key_id, secret: key.secret_key };
      expect(await newer.ask(message)).to.deep.equal(AUTHORIZED);
    });

    it('accepts a key in the handshake, and still answers a message', async () => {
      const { key_id, secret_key } = trading.accounts[0]!;
      const headers = { 'APCA-API-KEY-ID': key_id, 'APCA-API-SECRET-KEY': secret_key };
      const client = await connect({ headers });
      expect(await client.ask(LISTEN)).to.deep.equal(LISTENING);
      expect(await client.ask(authenticate(trading.accounts[0]!))).to.deep.equal(AUTHORIZED);
      expect(await client.ask({ action: 'authenticate', data: {} })).to.deep.equal(AUTHORIZED);
      const other = await client.ask(authenticate(trading.accounts[1]!));
      expect(other.data).to.include({ status: 'unauthorized' });
      expect((await client.end()).code).to.equal(1008);
    });

    it('accepts an access token, in the handshake or in the message', async () => {
      const { account_id: accountId } = trading.accounts[0]!;
      const person = { ...(await createPerson(trading)), accountId };
      const headers = await sessionOf(trading, api, person);
      const token = headers.Authorization.replace('Bearer ', '');
      const first = await connect({ headers });
      expect(await first.ask(LISTEN)).to.deep.equal(LISTENING);
      const second = await connect();
      const message = { action: 'authenticate', data: { oauth_token: token } };
      expect(await second.ask(message)).to.deep.equal(AUTHORIZED);
    });

    it('answers wrong keys with unauthorized and hangs up', async () => {
      const { key_id } = trading.accounts[0]!;
      for (const secret_key of ['wrong', '', trading.accounts[1]!.secret_key]) {
        const client = await connect();
        const answer = await client.ask(authenticate({ key_id, secret_key }));
        expect(answer.stream).to.equal('authorization');
        expect(answer.data).to.include({ status: 'unauthorized', action: 'authenticate' });
        expect((await client.end()).code).to.equal(1008);
      }
    });

    it('lets nobody listen before it', async () => {
      const client = await connect();
      expect(await client.ask(LISTEN)).to.deep.equal({
        stream: 'authorization',
        data: { status: 'unauthorized', action: 'listen' },
      });
      expect(await client.ask(authenticate(trading.accounts[0]!))).to.deep.equal(AUTHORIZED);
    });

    it('must come soon', async () => {
      const strict = await startApi(trading, { streamLimits: { authenticateWithinMs: 200 } });
      const silent = await StreamClient.connect(strict.url);
      const known = await StreamClient.listen(strict.url, trading.accounts[0]!);
      expect(await silent.end(2_000)).to.include({ code: 1008 });
      expect(silent.messages[0]!.data.error).to.match(/No valid credentials/);
      expect(known.closed).to.equal(null);
      known.close();
      await strict.stop();
    });

    it('needs the scope read, and an account', async () => {
      const { account_id: accountId } = trading.accounts[0]!;
      for (const person of [
        await createPerson(trading, { scopes: ['trade'], accountId }),
        await createPerson(trading, { role: 'ops' }),
      ]) {
        const client = await connect();
        const answer = await client.ask(authenticate(person));
        expect(answer.data).to.include({ status: 'unauthorized' });
        expect((await client.end()).code).to.equal(1008);
      }
    });

    it('ends with the key: within a second after it is revoked', async () => {
      const { account_id: accountId } = trading.accounts[0]!;
      const { knex } = trading.container.db;
      const person = await createPerson(trading, { accountId });
      const client = await StreamClient.listen(api.url, person);
      const other = await listen(0);
      const started = performance.now();
      await knex('api_keys').where({ id: person.key_id }).update({ revoked_at: knex.fn.now() });
      expect(await client.end()).to.include({ code: 1008 });
      expect(performance.now() - started).to.be.lessThan(1_500);
      expect(client.messages.at(-1)!.data.error).to.match(/revoked/);
      expect(other.closed).to.equal(null);
    });
  });

  describe('messages', () => {
    it('are acknowledged with the streams that are known', async () => {
      const client = await connect();
      await client.ask(authenticate(trading.accounts[0]!));
      const ask = async (streams: string[]) =>
        (await client.ask({ action: 'listen', data: { streams } })).data.streams as string[];
      expect(await ask(['trade_updates', 'account_updates'])).to.deep.equal(['trade_updates']);
      expect(await ask(['nothing'])).to.deep.equal([]);
      expect(await ask([])).to.deep.equal([]);
    });

    it('that are wrong are answered with what is wrong, and nothing more happens', async () => {
      const client = await connect();
      await client.ask(authenticate(trading.accounts[0]!));
      for (const [message, expected] of [
        [{ action: 'dance' }, /action was "dance": it must be one of authenticate, auth, listen/],
        [{ action: 'listen', data: { streams: 'trade_updates' } }, /data.streams/],
        [{ action: 'listen', data: { streams: ['trade_updates'], since_id: -1 } }, /since_id/],
        [{ action: 'listen', data: { streams: ['trade_updates'], since: 1 } }, /data.since/],
        [
          { action: 'listen', data: { streams: ['trade_updates'], since_id: 10 ** 9 } },
          /last event/,
        ],
        [Buffer.from('{"action"'), /not JSON/],
        [Buffer.from('[]'), /must be an object/],
        [Buffer.from([0x81, 0xa1]), /not MessagePack/],
      ] as [object, RegExp][]) {
        const answer = await client.ask(message);
        expect(answer.stream).to.equal('error');
        expect(answer.data.error).to.match(expected);
      }
      expect(await client.ask(LISTEN)).to.deep.equal(LISTENING);
    });

    it('that are too large or too many end the connection', async () => {
      const large = await connect();
      large.send({ action: 'authenticate', data: { key_id: 'x'.repeat(20_000) } });
      expect((await large.end()).code).to.equal(1009);
      const many = await connect();
      for (let count = 0; count < 200; count += 1) many.send(LISTEN);
      expect((await many.end()).code).to.equal(1008);
    });

    it('come back in the kind of frame that the client sent first', async () => {
      const text = await connect();
      await text.ask(authenticate(trading.accounts[1]!));
      await text.ask(Buffer.from(JSON.stringify(LISTEN)));
      const binary = await connect();
      await binary.ask(Buffer.from(JSON.stringify(authenticate(trading.accounts[1]!))));
      await binary.ask(LISTEN);
      const packed = await connect({}, decode);
      await packed.ask(Buffer.from(encode(authenticate(trading.accounts[1]!))));
      await packed.ask(Buffer.from(encode(LISTEN)));
      const order = await place(1);
      for (const client of [text, binary, packed]) {
        await hasEvents(client, 1);
        expect(client.events[0].order.id).to.equal(order.id);
      }
      expect(new Set(text.binary)).to.deep.equal(new Set([false]));
      expect(new Set(binary.binary)).to.deep.equal(new Set([true]));
      expect(new Set(packed.binary)).to.deep.equal(new Set([true]));
    });
  });

  describe('trade_updates', () => {
    it('are the events of the account since it listens, as /v2/events has them', async () => {
      await place(2);
      const client = await listen(2);
      const other = await listen(3);
      await trading.place({ account: 3, side: 'sell', qty: '2', price: '150' });
      await trading.place({ account: 2, side: 'buy', qty: '2', price: '150' });
      await trading.settle();
      await eventually(async () => {
        expect(client.events.map(({ event }) => event as string)).to.include('fill');
        await Promise.resolve();
      });
      const since = idsOf(client)[0]! - 1;
      expect(since).to.be.greaterThan(0);
      const { body } = await api.call('GET', `/v2/events?since_id=${since}`, {
        as: trading.accounts[2],
      });
      expect(client.events).to.deep.equal(body.events);
      const fill = client.events.find(({ event }) => event === 'fill')!;
      expect(fill).to.include({ price: '150', qty: '2', position_qty: '1002' });
      expect(fill.order).to.include({ symbol: 'AAPL', status: 'filled' });
      const mine = new Set(client.events.map(({ order }) => order.id as string));
      await eventually(async () => {
        expect(other.events.map(({ event }) => event as string)).to.include('fill');
        await Promise.resolve();
      });
      for (const { order } of other.events) expect(mine.has(order.id)).to.equal(false);
    });

    it('come to every connection of the account, each once', async () => {
      const several = await Promise.all([listen(3), listen(3), listen(3)]);
      await place(3);
      await place(3);
      for (const client of several) await hasEvents(client, 2);
      expect(idsOf(several[1])).to.deep.equal(idsOf(several[0]));
    });

    it('stop with an empty list and go on without a gap when it listens again', async () => {
      const client = await listen(4);
      await place(4);
      await hasEvents(client, 1);
      await client.ask(LISTEN); // already does
      await place(4);
      await hasEvents(client, 2);
      await client.ask({ action: 'listen', data: { streams: [] } });
      await place(4);
      await client.ask({
        action: 'listen',
        data: { streams: ['trade_updates'], since_id: idsOf(client).at(-1) },
      });
      await hasEvents(client, 3);
      const [first] = idsOf(client);
      expect(idsOf(client)).to.deep.equal([first, first! + 1, first! + 2]);
    });
  });

  describe('limits', () => {
    it('are 20 connections of an account', async () => {
      const open = await Promise.all(Array.from({ length: 20 }, () => listen(5)));
      const late = await connect();
      late.send(authenticate(trading.accounts[5]!));
      const { code, reason } = await late.end();
      expect(code).to.equal(1008);
      expect(reason).to.match(/20 streams open/);
      open[0]!.close();
      await eventually(async () => {
        await listen(5);
      });
    });

    it('are as many connections as a server can carry', async () => {
      const small = await startApi(trading, { streamLimits: { total: 1 } });
      const first = await StreamClient.connect(small.url);
      const refused = await small.raw(
        'GET /stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      );
      expect(refused).to.match(/^HTTP\/1.1 503 [^]*Retry-After: 1[^]*which is its limit/);
      first.close();
      await small.stop();
    });
  });

  it('closes with 1001 when the server stops', async () => {
    const stopping = await startApi(trading);
    const client = await StreamClient.listen(stopping.url, trading.accounts[0]!);
    stopping.streams.stop();
    expect(await client.end()).to.include({ code: 1001 });
    await stopping.stop();
  });
});
