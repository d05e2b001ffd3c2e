import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { connectDatabase } from '../../src/db.js';
import { createIdentity } from '../../src/identity/identity.js';
import { expectProblem, startApi } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { startTrading, type Trading } from '../support/trading.js';

/** Nothing listens on port 1. */
const NOWHERE = 'postgres://nobody@127.0.0.1:1/nothing';

describe('health and readiness', () => {
  let trading: Trading;

  before(async () => {
    trading = await startTrading(1);
  });
  after(() => trading.stop());

  it('is alive and ready with Postgres and Redis', async () => {
    const api = await startApi(trading);
    expect((await api.call('GET', '/health')).body).to.deep.equal({ status: 'ok' });
    await eventually(async () => {
      const { status, body } = await api.call('GET', '/ready');
      expect(status).to.equal(200);
      expect(body).to.deep.equal({ status: 'ready', checks: { postgres: 'up', redis: 'up' } });
    });
    await api.stop();
  });

  it('is ready without Redis: orders are accepted, and executed once it is back', async () => {
    const api = await startApi(trading, { redis: { status: 'reconnecting' } as Redis });
    const { status, body } = await api.call('GET', '/ready');
    expect(status).to.equal(200);
    expect(body.checks).to.deep.equal({ postgres: 'up', redis: 'down' });
    await api.stop();
  });

  it('is alive but not ready without Postgres, and says so to whoever wants to trade', async () => {
    const db = connectDatabase(NOWHERE, 'test', 1);
    const { config, sealer } = trading.container;
    const ignore = () => undefined;
    const identity = createIdentity({
      db,
      config,
      sealer,
      nudgeNotifications: ignore,
      onError: ignore,
    });
    identity.start = () => Promise.resolve();
    const api = await startApi(trading, { db, identity });
    expect((await api.call('GET', '/health')).status).to.equal(200);

    const ready = await api.call('GET', '/ready');
    expectProblem(ready, 503, 50310000);
    expect(ready.body.checks.postgres).to.equal('down');

    const refused = await api.call('POST', '/v2/orders', { as: trading.accounts[0], body: {} });
    expectProblem(refused, 503, 50310000);
    expect(refused.headers.get('retry-after')).to.equal('1');
    expect(JSON.stringify(refused.body)).not.to.match(/ECONNREFUSED|127\.0\.0\.1/);
    await api.stop();
    await db.close();
  });

  it('is not ready while it stops', async () => {
    const api = await startApi(trading, { isStopping: () => true });
    expectProblem(await api.call('GET', '/ready'), 503, 50310000);
    expect((await api.call('GET', '/health')).status).to.equal(200);
    await api.stop();
  });

  it('tells nothing of a bug but its request id', async () => {
    const intake = { place: () => Promise.reject(new Error('secret inner state')) };
    const api = await startApi(trading, { intake: intake as never });
    const answer = await api.call('POST', '/v2/orders', {
      as: trading.accounts[0],
      body: { symbol: 'AAPL', qty: 1, side: 'buy', type: 'market', time_in_force: 'day' },
    });
    expectProblem(answer, 500, 50010000);
    expect(JSON.stringify(answer.body)).not.to.include('secret');
    await api.stop();
  });
});
