import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import knexFactory, { type Knex } from 'knex';
import { generateSync } from 'otplib';
import { v7 as uuidv7 } from 'uuid';
import { eventually } from '../support/eventually.js';
import { readMail } from '../support/outbox.js';
import { startProduct, type Product } from '../support/processes.js';

const run = promisify(execFile);
const VERIFY_AUDIT = fileURLToPath(
  new URL('../../dist/src/commands/audit-verify.js', import.meta.url),
);
const SETTLED_WITHIN_MS = 20_000;
const PASSWORD = 'a horse, a battery and a staple';
const CODE = /code is (\d{6})/;
const STEP_SECONDS = 30;

interface Answer {
  status: number;
  body: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- a test looks into it freely
}

/** From nobody to a client who has traded and taken money out, in one go: each step needs the last. */
describe('becoming a client', function () {
  this.timeout(120_000);
  let product: Product;
  let knex: Knex;
  let session: Record<string, string>;
  let refreshToken: string;
  let totpSecret: string;
  let bankAccountId: string;
  let keySecret: string;
  const email = `ada-${uuidv7()}@test.example`;
  /** Everything that must stay with its owner. */
  const secrets: string[] = [PASSWORD];

  before(async () => {
    product = await startProduct({
      env: { MARKET_SIMULATOR: 'off', RATE_LIMIT_PER_MIN: '0', LOG_LEVEL: 'debug' },
    });
    knex = knexFactory({ client: 'pg', connection: product.demo.database_url });
  });
  after(async () => {
    await knex.destroy();
    await product.stop();
  });

  async function call(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = session,
  ): Promise<Answer> {
    const response = await fetch(product.demo.url + path, {
      method,
      headers: { ...headers, ...(body && { 'Content-Type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
  }
  const expectStatus = ({ status, body }: Answer, expected: number): unknown => {
    expect(status, JSON.stringify(body)).to.equal(expected);
    return body;
  };
  const logIn = (tokens: { access_token: string; refresh_token: string }): void => {
    session = { Authorization: `Bearer ${tokens.access_token}` };
    refreshToken = tokens.refresh_token;
    secrets.push(tokens.access_token, tokens.refresh_token);
  };
  const keyOf = (one: { key_id: string; secret_key: string }) => ({
    'APCA-API-KEY-ID': one.key_id,
    'APCA-API-SECRET-KEY': one.secret_key,
  });
  const staff = (role: string) => keyOf(product.demo.staff.find((one) => one.role === role)!);
  const account = async () => (await call('GET', '/v2/account')).body;
  const transfer = async (direction: string, amount: string): Promise<string> => {
    const headers = { ...session, 'Idempotency-Key': uuidv7() };
    const body = { direction, amount, bank_account_id: bankAccountId };
    const { id } = expectStatus(await call('POST', '/v2/transfers', body, headers), 201) as {
      id: string;
    };
    await eventually(async () => {
      expect((await call('GET', `/v2/transfers/${id}`)).body.status).to.equal('COMPLETE');
    }, SETTLED_WITHIN_MS);
    return id;
  };
  const totp = (steps: number): string => {
    const epoch = Math.floor(Date.now() / 1_000) + steps * STEP_SECONDS;
    return generateSync({ secret: totpSecret, epoch });
  };

  it('begins with a sign-up, and a code by mail', async () => {
    const phone = `+1202555${String(Math.floor(Math.random() * 10_000)).padStart(4, '0')}`;
    const body = {
      email,
      phone,
      password: PASSWORD,
      first_name: 'Ada',
      last_name: 'Lovelace',
      date_of_birth: '1990-12-10',
      address: { street: '1 Main St', city: 'Springfield', postal_code: '12345', country: 'US' },
    };
    expectStatus(await call('POST', '/v2/clients', body, {}), 202);
    expectStatus(await call('POST', '/v2/sessions', { email, password: PASSWORD }, {}), 403);
    const subject = /Confirm your e-mail address/;
    const code = await readMail(product.dataDir, email, { subject, pattern: CODE });
    expectStatus(await call('POST', '/v2/clients/verify', { email, code }, {}), 204);
    secrets.push(`code is ${code}`);
  });

  it('goes on with an identity check', async () => {
    const login = await call('POST', '/v2/sessions', { email, password: PASSWORD }, {});
    logIn(expectStatus(login, 200) as { access_token: string; refresh_token: string });
    expectStatus(await call('GET', '/v2/account'), 403); // there is none yet
    const document = {
      kind: 'passport',
      sha256: uuidv7().replaceAll('-', '').repeat(2),
      file_name: 'passport.pdf',
      content_type: 'application/pdf',
      size: 120_000,
    };
    expectStatus(await call('POST', '/v2/clients/me/documents', document), 201);
    const { id } = (await call('GET', '/v2/clients/me')).body as { id: string };
    const decision = { decision: 'approve', reason: 'passport and address agree' };
    const path = `/v2/admin/kyc_reviews/${id}/decision`;
    expectStatus(await call('POST', path, decision), 403); // not by herself
    expectStatus(await call('POST', path, decision, staff('compliance')), 200);
    const body = { refresh_token: refreshToken };
    const refreshed = await call('POST', '/v2/sessions/refresh', body, {});
    logIn(expectStatus(refreshed, 200) as { access_token: string; refresh_token: string });
    expect(await account()).to.include({ status: 'ACTIVE', cash: '0', buying_power: '0' });
  });

  it('sets up a second factor', async () => {
    expectStatus(await call('POST', '/v2/mfa/totp'), 403);
    expectStatus(await call('POST', '/v2/sessions/step_up/challenge', { method: 'email' }), 200);
    const subject = /Your code for BrokerX/;
    const otp = await readMail(product.dataDir, email, { subject, pattern: CODE });
    expectStatus(await call('POST', '/v2/sessions/step_up', { otp }), 200);
    const { secret } = expectStatus(await call('POST', '/v2/mfa/totp'), 201) as { secret: string };
    totpSecret = secret;
    const confirmed = await call('POST', '/v2/mfa/totp/confirm', { code: totp(-1) });
    const { recovery_codes: codes } = expectStatus(confirmed, 201) as { recovery_codes: string[] };
    secrets.push(secret, ...codes);
    const asked = await call('POST', '/v2/sessions', { email, password: PASSWORD }, {});
    expectStatus(asked, 401);
    const step = { mfa_token: asked.body.mfa_token as string, otp: totp(0) };
    const finished = await call('POST', '/v2/sessions/mfa', step, {});
    logIn(expectStatus(finished, 200) as { access_token: string; refresh_token: string });
    secrets.push(step.mfa_token);
  });

  it('pays in, and the money is there once the provider says so', async () => {
    const number = { bank_routing_number: '021000021', bank_account_number: '987654321' };
    const body = { account_owner_name: 'Ada Lovelace', ...number };
    const headers = { ...session, 'Idempotency-Key': uuidv7() };
    const added = await call('POST', '/v2/bank_accounts', body, headers);
    bankAccountId = (expectStatus(added, 201) as { id: string }).id;
    secrets.push(number.bank_account_number);
    await transfer('INCOMING', '1000.00');
    expect(await account()).to.include({ cash: '1000', buying_power: '1000' });
  });

  it('buys a share of somebody', async () => {
    const order = { symbol: 'AAPL', qty: '1', type: 'limit', time_in_force: 'day' };
    const prices = (await call('GET', '/v2/positions', undefined, keyOf(product.demo.clients[0]!)))
      .body as { symbol: string; current_price: string }[];
    const limit_price = prices.find(({ symbol }) => symbol === 'AAPL')!.current_price;
    const seller = keyOf(product.demo.clients[0]!);
    expectStatus(
      await call('POST', '/v2/orders', { ...order, side: 'sell', limit_price }, seller),
      200,
    );
    const bought = await call('POST', '/v2/orders', { ...order, side: 'buy', limit_price });
    const { id } = expectStatus(bought, 200) as { id: string };
    await eventually(async () => {
      expect((await call('GET', `/v2/orders/${id}`)).body.status).to.equal('filled');
    });
    const rest = (1_000 - Number(limit_price)).toFixed(2);
    expect(Number((await account()).cash)).to.equal(Number(rest));
  });

  it('takes money out, but no more than there is, and with a second factor only', async () => {
    const body = { direction: 'OUTGOING', amount: '1000.00', bank_account_id: bankAccountId };
    const key = { 'Idempotency-Key': uuidv7() };
    const tooMuch = await call('POST', '/v2/transfers', body, { ...session, ...key });
    expectStatus(tooMuch, 403);
    expect(tooMuch.body.reason).to.equal('insufficient_cash');
    const made = await call('POST', '/v2/api_keys', { label: 'a bot' });
    const program = expectStatus(made, 201) as { key_id: string; secret_key: string };
    keySecret = program.secret_key;
    secrets.push(keySecret);
    const byProgram = { ...keyOf(program), 'Idempotency-Key': uuidv7() };
    const small = { ...body, amount: '100.00' };
    expectStatus(await call('POST', '/v2/transfers', small, byProgram), 403);
    const before = Number((await account()).cash);
    await transfer('OUTGOING', '100.00');
    expect(Number((await account()).cash)).to.equal(before - 100);
  });

  it('leaves a ledger that balances and an audit log that is sound', async () => {
    expect((await call('GET', '/v2/ledger/proof')).body).to.include({ balanced: true });
    const { entries } = (await call('GET', '/v2/clients/me/audit?limit=100')).body as {
      entries: { action: string }[];
    };
    expect(entries.map(({ action }) => action)).to.include.members([
      'client.signed_up',
      'client.verified',
      'client.document_added',
      'kyc.approved',
      'session.opened',
      'session.stepped_up',
      'second_factor.added',
      'api_key.created',
    ]);
    const env = {
      ...process.env,
      DATABASE_URL: product.demo.database_url,
      DATA_DIR: product.dataDir,
    };
    await eventually(async () => {
      await run(process.execPath, [VERIFY_AUDIT], { env }); // ends with 0, or throws
    });
  });

  it('shows its secrets to nobody: not in logs, rows, or Redis', async () => {
    const { rows } = await knex.raw<{ rows: { name: string }[] }>(
      `select table_name as name from information_schema.tables
       where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    const places = new Map<string, string>();
    for (const { name } of rows) {
      const { rows: content } = await knex.raw<{ rows: object[] }>(`select t::text from ${name} t`);
      places.set(`table ${name}`, JSON.stringify(content));
    }
    const logs = join(product.dataDir, 'logs');
    for (const name of await readdir(logs)) {
      places.set(`log ${name}`, await readFile(join(logs, name), 'utf8'));
    }
    places.set('Redis', await everythingIn(product.demo.redis_url));
    expect(places.size).to.be.greaterThan(40);
    for (const secret of secrets) {
      for (const [place, content] of places) {
        expect(content.includes(secret), `${secret.slice(0, 4)}... in ${place}`).to.equal(false);
      }
    }
    // What is looked for would be found: a word that is no secret is in the logs and in Redis.
    expect(places.get('log api.log')).to.include('listening');
    expect(places.get('Redis')).to.include('brokerx');
  });
});

/** Names and values of all keys, as text. */
async function everythingIn(url: string): Promise<string> {
  const redis = new Redis(url);
  const dump: string[] = [];
  for (const key of await redis.keys('*')) {
    const value = (await redis.dumpBuffer(key)) as Buffer | null;
    if (!value) continue; // it has expired meanwhile
    dump.push(key, value.toString('latin1'));
    if ((await redis.type(key)) === 'hash') dump.push(JSON.stringify(await redis.hgetall(key)));
  }
  redis.disconnect();
  return dump.join('\n');
}
