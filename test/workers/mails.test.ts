import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createMailer } from '../../src/notifications/mailer.js';
import { outboxMailer } from '../../src/notifications/outbox-mailer.js';
import type { Mail } from '../../src/notifications/letter.js';

describe('the outbox', () => {
  let folder: string;
  const mail: Mail = {
    to: 'ada@example.com',
    subject: 'Bought',
    text: 'Hello Ada,\n',
    html: '<p>x</p>',
  };

  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'outbox-')), 'data', 'outbox');
  });
  afterEach(() => rm(join(folder, '../..'), { recursive: true }));

  it('has one file a mail that a person can read, and only its owner', async () => {
    const config = {
      smtpUrl: '',
      mailFrom: 'BrokerX+ <no-reply@x.example>',
      dataDir: join(folder, '..'),
    };
    const mailer = createMailer(config);
    const started = new Date().toISOString().replaceAll(':', '-');

    await mailer.send(mail);

    expect(mailer.channel).to.equal('outbox');
    const [name, beside, ...others] = (await readdir(folder)).sort();
    expect(others).to.deep.equal([]);
    expect(beside).to.equal(name!.replace('.eml', '.json'));
    expect(JSON.parse(await readFile(join(folder, beside!), 'utf8'))).to.deep.equal(mail);
    expect(name).to.match(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-.+\.eml$/);
    expect(name! >= started, 'sorted by time').to.equal(true);
    const text = await readFile(join(folder, name!), 'utf8');
    expect(text).to.match(/^From: "BrokerX\+" <no-reply@x\.example>\r\n/);
    expect(text).to.include('To: ada@example.com\r\nSubject: Bought\r\n');
    expect(text).to.include('\r\nHello Ada,\r\n');
    expect((await stat(folder)).mode & 0o777).to.equal(0o700);
    for (const file of [name!, beside!]) {
      expect((await stat(join(folder, file))).mode & 0o777, file).to.equal(0o600);
    }
  });

  it('keeps the newest thousand mails', async function () {
    this.timeout(10_000);
    const mailer = outboxMailer(folder, 'x@example.com');
    await mailer.send(mail);
    const old = Array.from(
      { length: 1_050 },
      (_, n) => `2020-01-01T00-00-00.${String(n).padStart(4, '0')}Z.eml`,
    );
    await Promise.all(old.map((name) => writeFile(join(folder, name), '')));
    await writeFile(join(folder, old[0]!.replace('.eml', '.json')), '{}');
    await writeFile(join(folder, 'note.txt'), 'not ours');

    for (let n = 0; n < 50; n += 1) await mailer.send(mail);

    const names = (await readdir(folder)).sort();
    expect(names.filter((name) => name.endsWith('.eml'))).to.have.length(1_000);
    expect(names.filter((name) => name > '2021')).to.have.length(103); // 51 mails and the note
    expect(names[0]).to.equal(old[101]); // what was beside the oldest is gone, too
  });

  it('works again once the folder can be written', async () => {
    const parent = join(folder, '..');
    await writeFile(parent, 'a file where a folder should be');
    const mailer = outboxMailer(folder, 'x@example.com');
    const refused: unknown = await mailer.send(mail).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(Error);

    await rm(parent);
    await mailer.send(mail);

    expect(await readdir(folder)).to.have.length(2);
  });
});
