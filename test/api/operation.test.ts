import { expect } from 'chai';
import { createPerson, expectProblem, startApi, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

const password = 'a long enough password';
const basic = (name: string, secret: string) => ({
  Authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`,
});

describe('what operators use', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  describe('Bull Board', () => {
    const board = '/admin/queues';

    it('asks a browser for a name and a password', async () => {
      for (const path of [board, `${board}/api/queues`, `${board}/static/favicon.ico`]) {
        const answer = await api.call('GET', path);
        expectProblem(answer, 401, 40110000);
        expect(answer.headers.get('www-authenticate')).to.match(/^Basic realm=/);
      }
    });

    it('opens for ops and admins, with a password or with a key', async () => {
      for (const role of ['ops', 'admin'] as const) {
        const person = await createPerson(trading, { role, password, scopes: ['read', 'admin'] });
        const ways = [
          basic(person.email, password),
          basic(person.key_id, person.secret_key),
          { 'APCA-API-KEY-ID': person.key_id, 'APCA-API-SECRET-KEY': person.secret_key },
        ];
        for (const headers of ways) {
          const page = await api.call('GET', board, { headers });
          expect(page.status).to.equal(200);
          expect(page.body).to.include('BrokerX+');
          const queues = await api.call('GET', `${board}/api/queues`, { headers });
          expect(queues.body.queues[0].name).to.equal('notifications');
        }
      }
    });

    it('stays shut for clients and compliance, and for wrong passwords', async () => {
      for (const role of ['client', 'compliance'] as const) {
        const person = await createPerson(trading, { role, password });
        const headers = basic(person.email, password);
        expectProblem(await api.call('GET', board, { headers }), 403, 40310000);
      }
      const ops = await createPerson(trading, { role: 'ops', password });
      for (const headers of [
        basic(ops.email, 'wrong'),
        basic(ops.key_id, 'wrong'),
        basic('', ''),
        { Authorization: 'Basic ???' },
      ]) {
        expectProblem(await api.call('GET', board, { headers }), 401, 40110000);
      }
    });

    it('takes no orders from other sites, although a browser sends them the password', async () => {
      const ops = await createPerson(trading, { role: 'ops', password });
      const pause = (headers: Record<string, string>) =>
        api.call('PUT', `${board}/api/queues/notifications/resume`, {
          headers: { ...basic(ops.email, password), ...headers },
        });
      expectProblem(await pause({ Origin: 'https://evil.example' }), 403, 40310000);
      expectProblem(await pause({ Origin: 'null' }), 403, 40310000);
      expectProblem(await pause({ 'Sec-Fetch-Site': 'cross-site' }), 403, 40310000);
      expect((await pause({ Origin: api.url })).status).to.equal(200);
      expect((await pause({})).status).to.equal(200);
    });

    it('is only what starts with its path', async () => {
      expectProblem(await api.call('GET', '/admin/queuesx'), 404, 40410000);
    });
  });

  describe('the metrics', () => {
    it('count requests by the route that matched, never by the URL', async () => {
      await api.call('GET', '/v2/assets/AAPL', { as: trading.accounts[0] });
      await api.call('GET', '/v2/assets/MSFT?x=1', { as: trading.accounts[0] });
      await api.call('GET', '/no/such/path/at/all');
      const text = (await api.call('GET', '/metrics')).body as string;
      expect(text).to.match(
        /http_requests_total\{method="GET",route="\/v2\/assets\/:symbol_or_id",status="200"\} \d+/,
      );
      expect(text).to.match(/http_request_duration_seconds_bucket\{.*route="unmatched".*\} \d+/);
      expect(text).to.match(/^http_requests_in_flight 1$/m);
      expect(text).to.match(/^process_cpu_seconds_total /m);
      expect(text).not.to.match(/AAPL|such\/path/);
    });

    it('need a credential of an admin when they are asked for through a proxy', async () => {
      const headers = { 'X-Forwarded-For': '203.0.113.7' };
      expectProblem(await api.call('GET', '/metrics', { headers }), 401, 40110000);
      const client = { headers, as: trading.accounts[0] };
      expectProblem(await api.call('GET', '/metrics', client), 403, 40310000);
      const as = await createPerson(trading, { role: 'ops', scopes: ['read', 'admin'] });
      expect((await api.call('GET', '/metrics', { headers, as })).status).to.equal(200);
    });
  });
});
