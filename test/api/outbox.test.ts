import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { outboxMailer } from '../../src/notifications/outbox-mailer.js';
import { startApi, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

const MAIL = {
  to: 'ada@example.com',
  subject: 'Your <b>code</b>',
  text: 'Your code is 123456 <b>\n\nhttp://127.0.0.1/confirm?token=x\n',
  html: '<p>Your code is <b>123456</b></p><script>alert("1")</script>',
};

describe('the page that shows the outbox', () => {
  let trading: Trading;
  let dataDir: string;
  let folder: string;
  let api: Api;
  let production: Api;
  let withServer: Api;

  before(async () => {
    trading = await startTrading(1);
    dataDir = await mkdtemp(join(tmpdir(), 'outbox-page-'));
    folder = join(dataDir, 'outbox');
    const start = (settings: object) =>
      startApi(trading, { settings: { dataDir, nodeEnv: 'development', ...settings } });
    api = await start({});
    production = await start({ nodeEnv: 'production' });
    withServer = await start({ smtpUrl: 'smtp://127.0.0.1:1' });
  });
  after(async () => {
    for (const one of [api, production, withServer]) await one.stop();
    await trading.stop();
    await rm(dataDir, { recursive: true });
  });
  beforeEach(() => rm(folder, { recursive: true, force: true }));

  const send = (more = {}) => outboxMailer(folder, 'x@example.com').send({ ...MAIL, ...more });
  const names = async (): Promise<string[]> =>
    (await readdir(folder))
      .filter((name) => name.endsWith('.eml'))
      .map((name) => name.slice(0, -4))
      .sort();

  it('lists the mails, the newest first, and says when there is none', async () => {
    expect((await api.call('GET', '/dev/outbox')).body).to.include('No mail yet');
    await send({ subject: 'first' });
    await new Promise((resolve) => setTimeout(resolve, 2)); // names are by the millisecond
    await send({ subject: 'second' });
    const { status, body, headers } = await api.call('GET', '/dev/outbox');
    expect(status).to.equal(200);
    expect(headers.get('content-type')).to.match(/^text\/html/);
    expect(headers.get('cache-control')).to.equal('no-store');
    expect(body).to.match(/>second<\/a>[^]*>first<\/a>/);
    expect(body).to.include('ada@example.com');
  });

  it('shows a mail as text, as HTML in which nothing can run, and as it is', async () => {
    await send();
    const [name] = await names();
    const { body, headers } = await api.call('GET', `/dev/outbox/${name!}`);
    expect(body).to.include('Your &lt;b&gt;code&lt;/b&gt;');
    expect(body).to.include('Your code is 123456 &lt;b&gt;');
    expect(body).to.include('<a href="http://127.0.0.1/confirm?token=x"');
    expect(body).to.match(/<iframe sandbox="" [^>]*\n srcdoc="&lt;p&gt;Your code is/);
    expect(body).not.to.include('<script');
    expect(body).to.include('Content-Type: multipart/alternative');
    expect(headers.get('content-security-policy')).to.include("default-src 'none'");
  });

  it('shows the source alone of a mail that is nothing but a file', async () => {
    await mkdir(folder, { recursive: true });
    const name = '2026-11-27T09-12-04.291Z-01a20620-4595-4000-8000-01cbc1683136';
    await writeFile(join(folder, `${name}.eml`), 'Subject: <old>');
    const { body } = await api.call('GET', `/dev/outbox/${name}`);
    expect(body).to.include('Subject: &lt;old&gt;').and.not.include('<iframe');
    expect((await api.call('GET', '/dev/outbox')).body).to.include(name);
  });

  it('leads nowhere else', async () => {
    await send();
    await writeFile(join(dataDir, 'secret.eml'), 'not a mail');
    await writeFile(join(folder, 'note.eml'), 'not a mail of ours');
    for (const path of [
      '..%2fsecret',
      '%2e%2e%2fsecret',
      '..%5csecret',
      '....%2f%2fsecret',
      '%2fetc%2fpasswd',
      'note',
      '2026-11-27T09-12-04.291Z-01a20620-4595-4000-8000-01cbc1683136%00',
      `${(await names())[0]!}.json`,
      `..%2foutbox%2f${(await names())[0]!}`,
    ]) {
      const { status, body } = await api.call('GET', `/dev/outbox/${path}`);
      expect(status, path).to.equal(404);
      expect(JSON.stringify(body), path).not.to.include('not a mail');
    }
    expect((await api.call('GET', '/dev/outbox')).body).not.to.include('note');
  });

  it('is not there in production, nor where mail goes to a server', async () => {
    await send();
    const [name] = await names();
    for (const one of [production, withServer]) {
      expect((await one.call('GET', '/dev/outbox')).status).to.equal(404);
      expect((await one.call('GET', `/dev/outbox/${name!}`)).status).to.equal(404);
    }
  });

  it('is not there under a name of somebody else, or through a proxy', async () => {
    const ask = (headers: Record<string, string>) =>
      new Promise<number>((resolve, reject) => {
        request(`${api.url}/dev/outbox`, { headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode!);
        })
          .on('error', reject)
          .end();
      });
    const port = new URL(api.url).port;
    expect(await ask({ Host: `localhost:${port}` })).to.equal(200);
    expect(await ask({ Host: `evil.example:${port}` })).to.equal(404);
    expect(await ask({ 'X-Forwarded-For': '203.0.113.7' })).to.equal(404);
    expect(await ask({ Forwarded: 'for=203.0.113.7' })).to.equal(404);
  });
});
