import { expect } from 'chai';
import { createRouter, operations, type AppDeps } from '../../src/app.js';
import { notCached } from '../../src/http/cache.js';
import { createGuards } from '../../src/http/guards.js';
import { startApi, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

interface Document {
  openapi: string;
  paths: Record<
    string,
    Record<string, { operationId: string; responses: object; security: object[] }>
  >;
  components: { schemas: Record<string, object> };
}

describe('the OpenAPI document', () => {
  let trading: Trading;
  let api: Api;
  let document: Document;

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
    document = (await api.call('GET', '/openapi.json')).body as Document;
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  it('has every route of the router, and no others', () => {
    const { identity } = api;
    const deps = { ...trading.container, identity } as unknown as AppDeps;
    const guards = createGuards({ ...identity, rateLimitPerMin: 0, cached: notCached });
    const routes = createRouter(deps, guards).stack.flatMap(({ methods, path }) =>
      methods.filter((method) => method !== 'HEAD').map((method) => `${method} ${String(path)}`),
    );
    const documented = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(documented).to.have.members(routes);
    expect(new Set(documented)).to.have.lengthOf(documented.length);
  });

  it('is version 3.1, its ids are unique and its references lead somewhere', () => {
    expect(document.openapi).to.match(/^3\.1\./);
    const all = Object.values(document.paths).flatMap((path) => Object.values(path));
    expect(new Set(all.map(({ operationId }) => operationId))).to.have.lengthOf(all.length);
    const references = JSON.stringify(document).matchAll(
      /"\$ref":"#\/components\/schemas\/(\w+)"/g,
    );
    for (const [, name] of references) expect(document.components.schemas).to.have.property(name!);
  });

  it('writes paths and parameters as OpenAPI does', () => {
    expect(document.paths).to.include.keys(
      '/v2/orders/{id}',
      '/v2/orders:by_client_order_id',
      '/v2/positions/{symbol_or_asset_id}',
    );
    for (const [path, methods] of Object.entries(document.paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
      for (const operation of Object.values(methods)) {
        const { parameters } = operation as unknown as {
          parameters: { in: string; name: string }[];
        };
        const documented = parameters.filter((each) => each.in === 'path').map(({ name }) => name);
        expect(documented, path).to.have.members(inPath);
      }
    }
  });

  it('says of every route that is not public which credentials it takes', () => {
    for (const { method, path, access, roles } of operations) {
      const name = path.replaceAll(/(?<!\\):(\w+)/g, '{$1}').replaceAll('\\:', ':');
      const { security } = document.paths[name]![method]!;
      const ways = access === 'public' ? 0 : access === 'person' ? 1 : 2;
      expect(security, path).to.have.lengthOf(ways);
      if (access === 'staff') expect(roles, path).not.to.equal(undefined);
    }
  });

  describe('can be browsed at /docs', () => {
    it('with scripts and styles of our own only, and none inline', async () => {
      const { body, headers } = await api.call('GET', '/docs');
      expect(headers.get('content-type')).to.match(/^text\/html/);
      expect(headers.get('content-security-policy')).to.include("script-src 'self';");
      const html = body as string;
      expect(html).not.to.match(/https?:\/\//);
      expect(html).not.to.match(/<script>|on\w+=/);
      for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
        const file = await api.call('GET', path!);
        expect(file.status, path).to.equal(200);
        expect((file.body as string).length, path).to.be.greaterThan(50);
      }
    });

    it('and nothing else is served there', async () => {
      for (const file of [
        'package.json',
        '__proto__',
        '..%2Fpackage.json',
        '%2e%2e%2fapp.js',
        'x',
      ]) {
        expect((await api.call('GET', `/docs/${file}`)).status, file).to.equal(404);
      }
    });
  });
});
