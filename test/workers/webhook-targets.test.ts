import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createTlsServer } from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { isPublicAddress, type Resolve } from '../../src/webhooks/addresses.js';
import { WebhookSender, type Attempt } from '../../src/webhooks/sender.js';
import { findTarget, type TargetRules } from '../../src/webhooks/target.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

/** Http lets a connection be counted that a TLS handshake would end. */
const RULES: TargetRules = { allowHttp: true, allowPrivate: false };
const DEVELOPMENT: TargetRules = { allowHttp: true, allowPrivate: true };
const PUBLIC = '93.184.215.14';
const TLS = new URL('../support/tls/', import.meta.url);

/** `:P` stands for the port on which somebody listens who must not be reached. */
const FORBIDDEN = [
  'http://127.0.0.1:P/',
  'https://127.0.0.1:P/',
  'http://127.1:P/',
  'http://2130706433:P/',
  'http://0x7f000001:P/',
  'http://0177.0.0.1:P/',
  'http://017700000001:P/',
  'http://127.0.0.1.:P/',
  'http://①②⑦.0.0.1:P/',
  'http://0.0.0.0:P/',
  'http://0:P/',
  'http://[::1]:P/',
  'http://[::]:P/',
  'http://[::ffff:127.0.0.1]:P/',
  'http://[::ffff:7f00:1]:P/',
  'http://[::127.0.0.1]:P/',
  'http://[64:ff9b::127.0.0.1]:P/',
  'http://[64:ff9b:1::7f00:1]:P/',
  'http://[2002:7f00:1::]:P/',
  'http://[2001:0:7f00:1::80ff:fffe]:P/',
  'http://localhost:P/',
  'http://app.localhost:P/',
  'http://169.254.169.254/latest/meta-data/',
  'http://10.0.0.1:P/',
  'http://172.16.0.1:P/',
  'http://192.168.1.1:P/',
  'http://100.64.0.1:P/',
  'http://[fd00::1]:P/',
  'http://[fe80::1]:P/',
  'http://[fec0::1]:P/',
  'http://private.example:P/',
  'http://mixed.example:P/',
  'http://mapped.example:P/',
  'http://nowhere.example:P/',
  'http://public.example:80@127.0.0.1:P/',
  'http://127.0.0.1:P@public.example/',
  'http://user:pass@public.example/',
  'https://public.example:22/',
  'https://public.example/#fragment',
  'ftp://public.example/',
  'file:///etc/passwd',
  'gopher://127.0.0.1:P/',
  'not a url',
];

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'public.example': [PUBLIC],
  'private.example': ['127.0.0.1'],
  'mixed.example': [PUBLIC, '127.0.0.1'],
  'mapped.example': ['::ffff:127.0.0.1'],
  localhost: ['127.0.0.1', '::1'],
  'app.localhost': ['127.0.0.1'],
};
const resolve: Resolve = (host) => Promise.resolve(NAMES[host] ?? []);

describe('what webhooks are posted to', () => {
  let listener: Server;
  let connections: number;
  let port: number;

  before(async () => {
    listener = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    listener.listen(0, '::'); // every address of this machine
    await once(listener, 'listening');
    ({ port } = listener.address() as AddressInfo);
  });
  after(async () => {
    listener.close();
    await once(listener, 'close');
  });
  beforeEach(() => (connections = 0));

  const post = async (
    url: string,
    rules: TargetRules,
    more: { resolve?: Resolve; ca?: string } = {},
  ): Promise<Attempt> => {
    const sender = new WebhookSender({ rules, resolve, timeoutMs: 1_000, ...more });
    const attempt = await sender.post(url, {}, '{}');
    sender.close();
    return attempt;
  };

  for (const template of FORBIDDEN) {
    it(`is never ${template}`, async () => {
      const url = template.replaceAll(':P', `:${port}`);
      const attempt = await post(url, RULES);
      expect(attempt).to.include({ failure: 'forbidden_target', status: null });
      expect(connections, 'nobody was connected to').to.equal(0);
      const refused: unknown = await findTarget(url, RULES, resolve).catch(
        (error: unknown) => error,
      );
      expect(refused, 'nor is it set up').to.have.property('name', 'ForbiddenTarget');
    });
  }

  it('is reached in development, or the tests above would prove nothing', async () => {
    for (const host of ['127.0.0.1', '2130706433', '[::ffff:127.0.0.1]', 'private.example']) {
      const before = connections;
      const attempt = await post(`http://${host}:${port}/`, DEVELOPMENT);
      expect(attempt.failure, host).to.equal('connection'); // it hangs up
      expect(connections, host).to.be.greaterThan(before);
    }
  });

  it('is not what its name means a moment later (DNS rebinding)', async () => {
    const answers = [[PUBLIC], ['127.0.0.1']];
    const rebinding: Resolve = () => Promise.resolve(answers.shift() ?? ['127.0.0.1']);
    const url = `http://rebinding.example:${port}/`;
    const { addresses } = await findTarget(url, RULES, rebinding); // as when it is set up
    expect(addresses).to.deep.equal([PUBLIC]);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect((await post(url, RULES, { resolve: rebinding })).failure).to.equal('forbidden_target');
    }
    expect(connections).to.equal(0);
  });

  it('is asked for once a message, and connected to as it was checked', async () => {
    let questions = 0;
    const counting: Resolve = () => {
      questions += 1;
      return Promise.resolve(questions === 1 ? ['127.0.0.1'] : ['192.0.2.1']);
    };
    const attempt = await post(`http://once.example:${port}/`, DEVELOPMENT, { resolve: counting });
    expect(attempt.failure).to.equal('connection');
    expect({ questions, connections: connections > 0 }).to.deep.equal({
      questions: 1,
      connections: true,
    });
  });

  it('is not where a redirect leads', async () => {
    const receiver = await WebhookReceiver.start();
    for (const status of [301, 302, 303, 307, 308]) {
      const headers = { Location: `http://127.0.0.1:${port}/` };
      receiver.reply = () => ({ status, headers });
      const sender = new WebhookSender({ rules: DEVELOPMENT, resolve });
      const attempt = await sender.post(receiver.url, {}, '{"data":{}}');
      sender.close();
      expect(attempt).to.include({ failure: 'refused', status });
    }
    expect(receiver.requests).to.equal(5);
    expect(connections).to.equal(0);
    await receiver.stop();
  });

  it('is https, and http only in development', async () => {
    const rules = { allowHttp: false, allowPrivate: true };
    const plain = await post(`http://127.0.0.1:${port}/`, rules);
    expect(plain.error).to.equal('url must begin with https:');
    expect(connections).to.equal(0);
  });

  it('is cut off when it does not answer in time, headers or body', async () => {
    const slow = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n');
      const timer = setInterval(() => socket.write('x'), 20);
      socket.on('close', () => clearInterval(timer));
    });
    slow.listen(0, '127.0.0.1');
    await once(slow, 'listening');
    const sender = new WebhookSender({ rules: DEVELOPMENT, timeoutMs: 150 });
    const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/`;
    const attempt = await sender.post(url, {}, '{}');
    sender.close();
    slow.close();
    expect(attempt).to.include({ failure: 'timeout', status: null });
    expect(attempt.durationMs).to.be.within(140, 1_000);
  });

  it('has to prove its name by TLS, at the address that was checked', async () => {
    const [cert, key] = await Promise.all(
      ['hooks-example.cert.pem', 'hooks-example.key.pem'].map((name) =>
        readFile(new URL(name, TLS), 'utf8'),
      ),
    );
    const seen: (string | false | null | undefined)[] = [];
    const server = createTlsServer({ cert, key }, (request, response) => {
      seen.push(request.headers.host, (request.socket as TLSSocket).servername);
      response.writeHead(204).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port: tlsPort } = server.address() as AddressInfo;
    const here: Resolve = () => Promise.resolve(['127.0.0.1']);
    const trusted = { resolve: here, ca: cert! };

    const taken = await post(`https://hooks.example:${tlsPort}/`, DEVELOPMENT, trusted);
    const other = await post(`https://other.example:${tlsPort}/`, DEVELOPMENT, trusted);
    const unknown = await post(`https://hooks.example:${tlsPort}/`, DEVELOPMENT, { resolve: here });

    expect(taken).to.include({ failure: null, status: 204 });
    expect(seen).to.deep.equal([`hooks.example:${tlsPort}`, 'hooks.example']);
    expect(other.error).to.include('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(unknown.failure).to.equal('connection');
    server.close();
    server.closeAllConnections();
  });
});

describe('an address', () => {
  for (const address of [
    '8.8.8.8',
    PUBLIC,
    '2606:4700::1111',
    '64:ff9b::8.8.8.8',
    '::ffff:8.8.8.8',
  ]) {
    it(`${address} is public`, () => expect(isPublicAddress(address)).to.equal(true));
  }
  for (const address of [
    '192.0.2.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '2001:db8::1',
    'ff02::1',
    '::8.8.8.8',
    '64:ff9b::10.0.0.1',
    'fe80::1%eth0',
    'localhost',
    '',
  ]) {
    it(`${address || '(nothing)'} is not`, () => expect(isPublicAddress(address)).to.equal(false));
  }
});
