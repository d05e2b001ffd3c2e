import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, openAfter } from './crowd.mjs';

const OURS = ['web', 'worker', 'webhooks', 'payments', 'market-data', 'market'];
const CLIENTS = 8;
const FILLED_WITHIN_MS = 15_000;

/** What the compose file promises of each container. */
export async function containerChecks(check, { exec, inspect, idsOf, compose }) {
  await check('no process of ours is root, or can write to its image', async () => {
    for (const service of OURS) {
      assert.equal(await exec(service, 'id', '-u'), '1000', service);
      const touched = exec(service, 'sh', '-c', 'touch /app/x');
      await assert.rejects(touched, /Read-only file system/, service);
    }
  });
  await check('every container is read-only, without capabilities and limited', async () => {
    const services = (await compose('config', '--services')).split('\n');
    for (const service of services) {
      for (const id of await idsOf(service)) {
        const host = JSON.parse(await inspect(id, '{{json .HostConfig}}'));
        assert.equal(host.ReadonlyRootfs, true, service);
        assert.deepEqual(host.CapDrop, ['ALL'], service);
        assert.ok(host.Memory > 0 && host.NanoCpus > 0 && host.PidsLimit > 0, service);
      }
    }
    return `${services.length} services`;
  });
  await check('nobody reaches who is not its business', async () => {
    const reaches = (service, host, port) =>
      exec(service, 'bash', '-c', `exec 3<>/dev/tcp/${host}/${port}`).then(
        () => true,
        () => false,
      );
    assert.equal(await reaches('webhooks', 'postgres', 5432), true);
    assert.equal(await reaches('payments', 'web', 3000), true);
    assert.equal(await reaches('worker', 'mail', 1025), true);
    for (const host of ['nginx', 'mail']) {
      assert.equal(await reaches('webhooks', host, host === 'mail' ? 1025 : 8080), false, host);
    }
    const nginx = ['nginx', 'nc', '-z', '-w', '2', 'postgres', '5432'];
    await assert.rejects(exec(...nginx));
  });
}

/** The lines of the operators' runbook. */
export async function runbookChecks(check, { exec, compose, url }) {
  const psql = (database, sql) =>
    exec('postgres', 'psql', '-U', 'brokerx', '-d', database, '-Atc', sql);

  await check('GET /health answers on the published port', async () => {
    assert.equal((await fetch(`${url}/health`)).status, 200);
  });
  await check('GET /metrics does, too', async () => {
    assert.match(await (await fetch(`${url}/metrics`)).text(), /^# HELP /);
  });
  await check('psql works on brokerx_development and brokerx_test', async () => {
    assert.equal(await psql('brokerx_test', 'select 1'), '1');
    return `${await psql('brokerx_development', 'select count(*) from assets')} assets`;
  });
  await check('pg_dump and pg_restore work in the container', async () => {
    const dump = 'pg_dump -U brokerx -d brokerx_development -F c -f /tmp/backup.dump';
    await exec('postgres', ...dump.split(' '));
    await exec('postgres', 'dropdb', '-U', 'brokerx', '--if-exists', 'brokerx_scratch');
    await exec('postgres', 'createdb', '-U', 'brokerx', 'brokerx_scratch');
    const restore = 'pg_restore -U brokerx -d brokerx_scratch /tmp/backup.dump';
    await exec('postgres', ...restore.split(' '));
    const count = 'select count(*) from assets';
    const restored = await psql('brokerx_scratch', count);
    assert.equal(restored, await psql('brokerx_development', count));
    return `${restored} assets restored`;
  });
  await check('logs, ps and a shell in web are there', async () => {
    assert.match(await compose('logs', '--no-color', 'web'), /listening/);
    assert.match(await compose('ps'), /nginx/);
    assert.equal(await exec('web', 'sh', '-c', 'echo here'), 'here');
  });
}

/** @returns funded clients, or null when there can be none */
export async function orderChecks(check, { exec, url }) {
  let clients = null;
  await check('clients are opened in a container', async () => {
    const shares = ['AAPL', 'MSFT', 'NVDA', 'AMZN', 'GOOGL', 'META', 'TSLA', 'JPM'];
    const options = [
      ...['--accounts', String(CLIENTS), '--cash', '1000000', '--out', '/data/keys.json'],
      ...['--shares', shares.map((symbol) => `${symbol}=2000`).join(',')],
    ];
    await exec('web', 'node', 'dist/src/commands/seed.js', ...options);
    clients = JSON.parse(await exec('web', 'cat', '/data/keys.json'));
    assert.equal(clients.length, CLIENTS);
  });
  if (clients === null) return null;
  await check('an order placed through nginx fills', async () => {
    const [client] = clients;
    const body = { symbol: 'AAPL', qty: '1', side: 'buy', type: 'market', time_in_force: 'day' };
    const { status, body: order } = await call(url, client, 'POST', '/v2/orders', { body });
    assert.equal(status, 200, JSON.stringify(order));
    const began = performance.now();
    await openAfter(url, [{ client, id: order.id }], FILLED_WITHIN_MS);
    const after = await call(url, client, 'GET', `/v2/orders/${order.id}`);
    assert.equal(after.body.status, 'filled', JSON.stringify(after.body));
    return `seen filled after ${Math.round(performance.now() - began)} ms`;
  });
  return clients;
}

/** What nginx does to requests. */
export async function accessChecks(check, project, clients) {
  const { url, compose, addressesOf } = project;
  const [client] = clients;

  await check("the client's address is its own, whatever it claims", async () => {
    const name = `smoke-${Date.now()}`;
    const headers = { 'X-Request-ID': name, 'X-Forwarded-For': '203.0.113.7' };
    const answer = await call(url, client, 'GET', '/v2/clock', { headers });
    assert.equal(answer.headers.get('x-request-id'), name);
    const log = await compose('logs', '--no-color', '--no-log-prefix', 'web');
    const line = log.split('\n').find((text) => text.includes(name));
    assert.ok(line, `no line in the log names ${name}`);
    const { ip } = JSON.parse(line.slice(line.indexOf('{'))); // compose may write colours before it
    const proxies = await addressesOf('nginx');
    assert.ok(ip !== '203.0.113.7' && !proxies.includes(ip), `it was ${ip}`);
    return ip;
  });
  await check('a body that is too large is a problem like any other', async () => {
    const body = { symbol: 'x'.repeat(120_000) };
    const answer = await call(url, client, 'POST', '/v2/orders', { body });
    assert.equal(answer.status, 413);
    assert.equal(answer.body.code, 41310000);
  });
  await check('a WebSocket opens', async () => {
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const asked = request(`${url}/stream`, { headers }).end();
    const [answer, socket] = await once(asked, 'upgrade', { signal: AbortSignal.timeout(10_000) });
    socket.destroy();
    assert.equal(answer.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });
  await check('an event comes at once on a stream of server-sent events', async () => {
    const stop = new AbortController();
    const stream = await fetch(`${url}/v2/events`, {
      signal: stop.signal,
      headers: {
        Accept: 'text/event-stream',
        'APCA-API-KEY-ID': client.key_id,
        'APCA-API-SECRET-KEY': client.secret_key,
      },
    });
    assert.equal(stream.status, 200);
    const body = { symbol: 'AAPL', qty: '1', side: 'buy', type: 'market', time_in_force: 'day' };
    const { body: order } = await call(url, client, 'POST', '/v2/orders', { body });
    const late = sleep(10_000, 'late', { signal: stop.signal }).catch(() => 'ended');
    const found = await Promise.race([untilRead(stream.body, order.id), late]);
    stop.abort();
    assert.equal(found, 'read');
  });
}

async function untilRead(stream, wanted) {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream) {
    text = (text + decoder.decode(chunk, { stream: true })).slice(-100_000);
    if (text.includes(wanted)) return 'read';
  }
  return 'ended';
}
