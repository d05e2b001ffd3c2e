import { expect } from 'chai';
import { expectProblem, startApi, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('the HTTP shell', () => {
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

  it('answers an unknown path with 404, with and without credentials', async () => {
    expectProblem(await api.call('GET', '/v2/nothing'), 404, 40410000);
    expectProblem(await api.call('GET', '/v2/nothing', { as: trading.accounts[0] }), 404, 40410000);
    expectProblem(await api.call('POST', '/'), 404, 40410000);
  });

  it('answers a method that a path does not have with 405 and the ones it has', async () => {
    const answer = await api.call('PUT', '/v2/orders');
    expectProblem(answer, 405, 40510000);
    const allowed = answer.headers.get('allow')?.split(', ');
    expect(allowed).to.have.members(['GET', 'HEAD', 'POST', 'DELETE']);
  });

  it('answers a method that nobody has with 501', async () => {
    expectProblem(await api.call('PROPFIND', '/v2/orders'), 501, 50110000);
    const answer = await api.raw('BREW /v2/orders HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer)
      .to.match(/^HTTP\/1\.1 501 /)
      .and.to.include('50110000');
    expect(await api.raw('CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n')).to.include('50110000');
  });

  it('answers HEAD like GET, without a body', async () => {
    const answer = await api.call('HEAD', '/health');
    expect(answer.status).to.equal(200);
    expect(answer.body).to.equal('');
  });

  describe('what its parser refuses', () => {
    const refused: Record<string, [request: string, status: number]> = {
      'something that is not HTTP': ['hello\r\n\r\n', 400],
      'a request without a Host': ['GET /health HTTP/1.1\r\n\r\n', 400],
      'headers of 20 kB': [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
      'two lengths': [
        'POST /v2/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}',
        400,
      ],
      'a length and chunks (request smuggling)': [
        'POST /v2/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n' +
          'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        400,
      ],
      'an unknown expectation': ['GET / HTTP/1.1\r\nHost: x\r\nExpect: magic\r\n\r\n', 417],
    };
    for (const [name, [request, status]] of Object.entries(refused)) {
      it(`(${name}) gets a problem, too`, async () => {
        const answer = await api.raw(request);
        const [head = '', body = ''] = answer.split('\r\n\r\n');
        expect(head).to.match(new RegExp(`^HTTP/1\\.1 ${status} `));
        expect(head).to.include('Content-Type: application/problem+json');
        const problem = JSON.parse(body) as Record<string, unknown>;
        expect(problem).to.include({ status, code: status * 100_000 + 10_000 });
        expect(problem).to.include.keys(
          'type',
          'title',
          'detail',
          'instance',
          'message',
          'request_id',
        );
      });
    }
  });

  describe('a request id', () => {
    it('is taken from the caller and sent back', async () => {
      const answer = await api.call('GET', '/nope', { headers: { 'X-Request-ID': 'my-id:1.2_3' } });
      expect(answer.headers.get('x-request-id')).to.equal('my-id:1.2_3');
      expect(answer.body.request_id).to.equal('my-id:1.2_3');
    });

    it('is made up when there is none, and when it is too long or could forge a log line', async () => {
      const ids = [undefined, 'x'.repeat(129), 'a b', '{"level":"error"}'];
      for (const id of ids) {
        const headers: Record<string, string> = id === undefined ? {} : { 'X-Request-ID': id };
        const answer = await api.call('GET', '/health', { headers });
        expect(answer.headers.get('x-request-id')).to.match(/^[0-9a-f-]{36}$/);
      }
    });
  });

  it('sends security headers with every answer', async () => {
    for (const path of ['/health', '/nope', '/v2/account']) {
      const { headers } = await api.call('GET', path);
      expect(headers.get('content-security-policy'), path).to.equal(
        "default-src 'none';frame-ancestors 'none'",
      );
      expect(headers.get('x-content-type-options')).to.equal('nosniff');
      expect(headers.get('x-frame-options')).to.equal('DENY');
      expect(headers.get('strict-transport-security')).to.match(/^max-age=\d{8}/);
      expect(headers.get('x-powered-by')).to.equal(null);
    }
  });

  it('forbids caches to keep what is one caller’s own', async () => {
    const { headers } = await api.call('GET', '/v2/account', { as: trading.accounts[0] });
    expect(headers.get('cache-control')).to.equal('no-store');
  });

  describe('for browsers on other sites', () => {
    const Origin = 'https://app.example';
    const preflight = { Origin, 'Access-Control-Request-Method': 'POST' };

    it('allows nothing unless configured', async () => {
      for (const [method, headers] of [
        ['GET', { Origin }],
        ['OPTIONS', preflight],
      ] as const) {
        const answer = await api.call(method, '/v2/orders', { headers });
        expect(answer.headers.get('access-control-allow-origin')).to.equal(null);
      }
    });

    it('allows the configured origins and no others', async () => {
      const open = await startApi(trading, { settings: { corsOrigins: [Origin] } });
      try {
        const allowed = await open.call('OPTIONS', '/v2/orders', { headers: preflight });
        expect(allowed.status).to.equal(204);
        expect(allowed.headers.get('access-control-allow-origin')).to.equal(Origin);
        const refused = await open.call('GET', '/v2/account', { headers: { Origin } });
        expect(refused.headers.get('access-control-allow-origin')).to.equal(Origin);
        for (const other of ['https://evil.example', 'https://app.example.evil', 'null']) {
          const headers = { ...preflight, Origin: other };
          const answer = await open.call('OPTIONS', '/v2/orders', { headers });
          expect(answer.headers.get('access-control-allow-origin'), other).to.equal(null);
        }
      } finally {
        await open.stop();
      }
    });
  });
});
