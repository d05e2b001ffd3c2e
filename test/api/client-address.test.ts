import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { readConfig } from '../../src/config.js';
import { expectProblem, startApi, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

const WRONG = { key_id: 'PK000000000000000000', secret_key: 'x' };
const PROXY = '127.0.0.1'; // the tests' own address stands for the proxy

describe("the client's address", () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(1);
  });
  afterEach(() => api.stop());
  after(() => trading.stop());

  const start = async (trustedProxies: readonly string[]) => {
    api = await startApi(trading, { settings: { rateLimitPerMin: 2, trustedProxies } });
  };
  /** What is refused is counted against the address, so the limit tells which one was seen. */
  const refusedFrom = async (forwardedFor: string): Promise<number> => {
    const headers = { 'X-Forwarded-For': forwardedFor };
    return (await api.call('GET', '/v2/clock', { as: WRONG, headers })).status;
  };
  const useUpLimitOf = async (forwardedFor: string) => {
    expect(await refusedFrom(forwardedFor)).to.equal(401);
    expect(await refusedFrom(forwardedFor)).to.equal(401);
    expect(await refusedFrom(forwardedFor)).to.equal(429);
  };

  it("is the connection's own, whatever it says itself, unless a proxy is trusted", async () => {
    await start([]);
    await useUpLimitOf('192.0.2.1');
    expect(await refusedFrom('192.0.2.2')).to.equal(429);
  });

  it('is what a trusted proxy tells', async () => {
    await start([PROXY]);
    await useUpLimitOf('192.0.2.1');
    expect(await refusedFrom('192.0.2.2')).to.equal(401);
  });

  it('is not what a proxy tells that nobody named', async () => {
    await start(['10.0.0.0/8', 'fd00::/8']);
    await useUpLimitOf('192.0.2.1');
    expect(await refusedFrom('192.0.2.2')).to.equal(429);
  });

  it('is not what the client has told the proxy', async () => {
    await start([PROXY]);
    await useUpLimitOf('198.51.100.1, 192.0.2.1');
    expect(await refusedFrom('198.51.100.2, 192.0.2.1')).to.equal(429);
  });

  it('is found behind two proxies in a row', async () => {
    await start([PROXY, '10.0.0.0/8']);
    await useUpLimitOf('192.0.2.1, 10.1.2.3');
    expect(await refusedFrom('192.0.2.1, 10.3.2.1')).to.equal(429);
    expect(await refusedFrom('192.0.2.2, 10.1.2.3')).to.equal(401);
  });

  it('is the last that makes sense', async () => {
    await start([PROXY, '10.0.0.0/8']);
    await useUpLimitOf('unknown, 10.1.2.3');
    expect(await refusedFrom('also unknown, 10.1.2.3')).to.equal(429);
    expect(await refusedFrom('also unknown')).to.equal(401); // the proxy's own
  });

  it('is the same to a WebSocket that logs in', async () => {
    await start([PROXY]);
    await useUpLimitOf('192.0.2.1');
    const statusOf = async (forwardedFor: string) => {
      const socket = new WebSocket(`${api.url.replace('http', 'ws')}/stream`, {
        headers: {
          'X-Forwarded-For': forwardedFor,
          'APCA-API-KEY-ID': WRONG.key_id,
          'APCA-API-SECRET-KEY': WRONG.secret_key,
        },
      });
      socket.on('error', () => undefined); // that it was refused
      const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
      answer.destroy();
      return answer.statusCode;
    };
    expect(await statusOf('192.0.2.1')).to.equal(429);
    expect(await statusOf('192.0.2.2')).to.equal(401);
  });

  it('does not open /metrics to whom a proxy passes on', async () => {
    await start([PROXY]);
    const headers = { 'X-Forwarded-For': '10.0.0.1' };
    expectProblem(await api.call('GET', '/metrics', { headers }), 401, 40110000);
  });

  it('needs proxies that are addresses or networks', async () => {
    await start([]);
    const env = { DATABASE_URL: 'postgres://127.0.0.1/db', REDIS_URL: 'redis://127.0.0.1' };
    const read = (text: string) => readConfig({ ...env, TRUSTED_PROXIES: text }).trustedProxies;
    expect(read('')).to.deep.equal([]);
    expect(read('10.0.0.0/8, ::1')).to.deep.equal(['10.0.0.0/8', '::1']);
    for (const wrong of ['nginx', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0/8']) {
      expect(() => read(`127.0.0.1,${wrong}`), wrong).to.throw(
        `TRUSTED_PROXIES was "127.0.0.1,${wrong}": "${wrong}" is neither an address nor a network`,
      );
    }
  });
});
