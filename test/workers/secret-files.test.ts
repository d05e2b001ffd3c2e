import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { readConfig } from '../../src/config.js';
import { readSecretFiles } from '../../src/secret-files.js';

const SECRET = 'a secret of more than 32 characters';

describe('secrets in files', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'secrets-'));
  });
  after(() => rm(folder, { recursive: true }));

  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };

  it('take the place of the setting, without the line end of an editor', async () => {
    const env = {
      JWT_SECRET: '', // as compose gives what is not set
      JWT_SECRET_FILE: await write('jwt', `${SECRET}\r\n`),
      SECRETS_KEY_FILE: await write('key', ` ${SECRET}`),
      REDIS_URL_FILE: '',
    };
    readSecretFiles(env);
    expect(env).to.deep.equal({ JWT_SECRET: SECRET, SECRETS_KEY: ` ${SECRET}` });
    readSecretFiles(env); // as a process does that we start
    expect(env.JWT_SECRET).to.equal(SECRET);
  });

  it('are told of when they cannot be what is meant', async () => {
    const absent = join(folder, 'absent');
    expect(() => readSecretFiles({ JWT_SECRET_FILE: absent })).to.throw(
      `JWT_SECRET_FILE was "${absent}": ENOENT`,
    );
    const empty = await write('empty', '\n');
    expect(() => readSecretFiles({ JWT_SECRET_FILE: empty })).to.throw('the file is empty');
    const both = { JWT_SECRET: SECRET, JWT_SECRET_FILE: await write('jwt', SECRET) };
    expect(() => readSecretFiles(both)).to.throw('JWT_SECRET and JWT_SECRET_FILE are both set');
  });

  it('hold a password of any characters for the database', async () => {
    const password = 'p%40s:/?#[]@!$&\'()*+,;= é"';
    const env: NodeJS.ProcessEnv = {
      DATABASE_URL: 'postgres://brokerx@127.0.0.1:5432/brokerx_development',
      DATABASE_PASSWORD_FILE: await write('password', password),
    };
    readSecretFiles(env);
    const client = new pg.Client({ connectionString: env['DATABASE_URL'] });
    expect(client.password).to.equal(password);
    expect(client.database).to.equal('brokerx_development');
    expect(env).not.to.have.property('DATABASE_PASSWORD');
  });

  it('hold one password, not a second one beside that of the URL', () => {
    const env = { DATABASE_URL: 'postgres://a:b@127.0.0.1/db', DATABASE_PASSWORD: 'c' };
    expect(() => readSecretFiles(env)).to.throw('DATABASE_URL has a password already');
  });

  it('are refused in production when an example has the same password', () => {
    const env = {
      NODE_ENV: 'production',
      REDIS_URL: 'redis://127.0.0.1',
      JWT_SECRET: SECRET,
      SECRETS_KEY: SECRET,
      PAYMENT_PROVIDER_SECRET: SECRET,
    };
    const read = (password: string, more = {}) =>
      readConfig({ ...env, DATABASE_URL: `postgres://brokerx:${password}@127.0.0.1/db`, ...more });
    for (const password of ['brokerx', 'password', 'postgres']) {
      expect(() => read(password)).to.throw(`the password "${password}", which everybody knows`);
    }
    expect(read('brokerx', { NODE_ENV: 'development' }).nodeEnv).to.equal('development');
    expect(read('of-our-own').nodeEnv).to.equal('production');
  });
});
