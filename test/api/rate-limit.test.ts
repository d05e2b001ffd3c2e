import { expect } from 'chai';
import { createPerson, expectProblem, startApi, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('the rate limit', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(2);
  });
  beforeEach(async () => {
    api = await startApi(trading, { settings: { rateLimitPerMin: 3 } });
  });
  afterEach(() => api.stop());
  after(() => trading.stop());

  it('announces itself in the headers of the IETF draft and of Alpaca', async () => {
    const { headers } = await api.call('GET', '/v2/clock', { as: trading.accounts[0] });
    expect(headers.get('ratelimit-policy')).to.equal('"default";q=3;w=60');
    expect(headers.get('ratelimit')).to.equal('"default";r=2;t=60');
    expect(headers.get('x-ratelimit-limit')).to.equal('3');
    expect(headers.get('x-ratelimit-remaining')).to.equal('2');
    const inSeconds = Number(headers.get('x-ratelimit-reset')) - Date.now() / 1_000;
    expect(inSeconds).to.be.within(55, 62);
  });

  it('refuses the request after the last, and says when to come back', async () => {
    const as = trading.accounts[0];
    for (let sent = 0; sent < 3; sent += 1) {
      expect((await api.call('GET', '/v2/clock', { as })).status).to.equal(200);
    }
    const refused = await api.call('GET', '/v2/clock', { as });
    expectProblem(refused, 429, 42910000);
    expect(Number(refused.headers.get('retry-after'))).to.be.within(55, 60);
    expect(refused.headers.get('x-ratelimit-remaining')).to.equal('0');
  });

  it('counts every key for itself', async () => {
    const [one, two] = trading.accounts;
    for (let sent = 0; sent < 4; sent += 1) await api.call('GET', '/v2/clock', { as: one });
    expect((await api.call('GET', '/v2/clock', { as: two })).status).to.equal(200);
  });

  it('counts a refused credential against the address', async () => {
    const as = { key_id: 'PK000000000000000000', secret_key: 'x' };
    const statuses: number[] = [];
    for (let sent = 0; sent < 5; sent += 1) {
      statuses.push((await api.call('GET', '/v2/clock', { as })).status);
    }
    expect(statuses).to.deep.equal([401, 401, 401, 429, 429]);
    const known = await api.call('GET', '/v2/clock', { as: trading.accounts[0] });
    expect(known.status).to.equal(200);
  });

  it('counts a session for itself', async () => {
    const password = 'a long enough password';
    const { email } = await createPerson(trading, { password });
    const { body } = await api.call('POST', '/v2/sessions', { body: { email, password } });
    const headers = { Authorization: `Bearer ${body.access_token as string}` };
    const { headers: answered } = await api.call('GET', '/v2/clock', { headers });
    expect(answered.get('x-ratelimit-remaining')).to.equal('2');
  });

  it('never stands in the way of health checks', async () => {
    for (let sent = 0; sent < 5; sent += 1) {
      expect((await api.call('GET', '/health')).status).to.equal(200);
    }
  });

  it('is off when it is 0', async () => {
    const open = await startApi(trading, { settings: { rateLimitPerMin: 0 } });
    const { headers } = await open.call('GET', '/v2/clock', { as: trading.accounts[0] });
    expect(headers.get('ratelimit')).to.equal(null);
    await open.stop();
  });
});
