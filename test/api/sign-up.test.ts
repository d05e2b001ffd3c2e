import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { listEntries } from '../../src/audit/entries.js';
import { COUNTRIES } from '../../src/clients/countries.js';
import { dateText } from '../../src/http/calendar-date.js';
import { newId } from '../../src/ids.js';
import { accountMail } from '../../src/notifications/account-mails.js';
import { expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { mailsTo } from '../support/sent-mails.js';
import { lastMailTo, secretsOf, signedUp, signUpBody } from '../support/sign-ups.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('signing up', () => {
  let trading: Trading;
  let api: Api;
  let time: Date;

  before(async () => {
    trading = await startTrading(1);
    time = new Date();
    api = await startApi(trading, { now: () => time });
  });
  beforeEach(() => {
    time = new Date();
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const knex = () => trading.container.db.knex;
  const post = (path: string, body: object, headers = {}): Promise<Answer> =>
    api.call('POST', path, { body, headers });
  const signUp = (change: object = {}, headers = {}) =>
    post('/v2/clients', signUpBody(change), headers);
  const verify = (body: object) => post('/v2/clients/verify', body);
  const clientOf = async (email: string) =>
    (await knex()('clients').where({ email }).first()) as Record<string, unknown> | undefined;
  const kindsTo = async (email: string) => (await mailsTo(trading, email)).map(({ kind }) => kind);
  const countClients = async () => Number((await knex()('clients').count('* as n'))[0]!['n']);
  const actionsOf = async (id: string) =>
    (await listEntries(knex(), { client_id: id, limit: 50 })).map(({ action }) => action).reverse();

  it('makes a pending client, who is sent a code, and confirms the address with it', async () => {
    const body = signUpBody({ email: ' Ada.Byron+x@Bücher.Example ' });
    const answer = await post('/v2/clients', body);
    expect([answer.status, answer.body.status]).to.deep.equal([202, 'pending']);
    const email = 'ada.byron+x@xn--bcher-kva.example';
    const client = (await clientOf(email))!;
    expect(client).to.include({ status: 'pending', phone: body.phone, email_verified_at: null });
    expect(client['password_hash']).to.match(/^\$argon2id\$/);
    expect(client['address']).to.deep.equal({ ...body.address, region: null });
    const mail = await lastMailTo(trading, email);
    expect(mail!.data['link']).to.match(/^http:\/\/127\.0\.0\.1:\d+\/confirm\/verify_email$/);

    const { code, token } = secretsOf(mail);
    const { text, html } = accountMail(mail!);
    expect(text).to.include(`Your code is ${code}.`).and.include(`?token=${token}\n`);
    expect(html).to.match(/<a href="http:[^"]+\/confirm\/verify_email\?token=[\w-]{43}">/);
    expect((await verify({ email: email.toUpperCase(), code })).status).to.equal(204);
    expect((await clientOf(email))!['email_verified_at']).to.be.instanceOf(Date);
    expectProblem(await verify({ email, code }), 422, 42210000); // once
    expect(await actionsOf(client['id'] as string)).to.deep.equal([
      'client.signed_up',
      'client.verified',
      'client.code_refused',
    ]);
  });

  it('writes numbers in E.164, those without a country as of the address', async () => {
    const email = `${newId()}@test.example`;
    const address = { ...signUpBody().address, country: 'de' };
    await signUp({ email, address, phone: '030 / 1234 56-78' });
    const client = await clientOf(email);
    expect(client).to.include({ phone: '+493012345678' });
    expect(client!['address']).to.include({ country: 'DE' });
  });

  it('accepts who is 18 today, and refuses who is that tomorrow', async () => {
    const birthday = (days: number) => {
      const { year, month, day } = {
        year: time.getUTCFullYear() - 18,
        month: time.getUTCMonth(),
        day: time.getUTCDate() + days,
      };
      return dateText(new Date(Date.UTC(year, month, day)));
    };
    expect((await signUp({ date_of_birth: birthday(0) })).status).to.equal(202);
    const refused = await signUp({ date_of_birth: birthday(1) });
    expectProblem(refused, 422, 42210000);
    expect(refused.body.errors[0].field).to.equal('date_of_birth');
  });

  const email = 'jo.public@test.example';
  const names = { email, first_name: 'Joséphine', last_name: 'Public' };
  const wrong: [field: string, change: object][] = [
    ['date_of_birth', { date_of_birth: '2015-01-01' }],
    ['date_of_birth', { date_of_birth: '2999-01-01' }],
    ['date_of_birth', { date_of_birth: '1890-01-01' }],
    ['date_of_birth', { date_of_birth: '1990-02-30' }],
    ['date_of_birth', { date_of_birth: 'yesterday' }],
    ['phone', { phone: '12' }],
    ['phone', { phone: '+1 202 555 0123 ext. 7' }],
    ['phone', { phone: 'call me' }],
    ['email', { email: 'nobody' }],
    ['email', { email: 'a@b@c.example' }],
    ['email', { email: 'a@-x.example' }],
    ['email', { email: `${'x'.repeat(250)}@test.example` }],
    ['password', { password: 'short7!' }],
    ['password', { password: '💶'.repeat(129) }],
    ['password', { password: 'Password1' }],
    ['password', { password: 'Liverpool' }],
    ['password', { ...names, password: 'Jo.Public@Test.Example' }],
    ['password', { ...names, password: 'jo-public-1987!' }],
    ['password', { ...names, password: 'Joséphine99' }],
    ['password', { ...names, password: 'PublicJoséphine' }],
    ['first_name', { first_name: ' ' }],
    ['first_name', { first_name: 'http://evil.example' }],
    ['last_name', { last_name: 'Line\nbreak' }],
    ['address.country', { address: { ...signUpBody().address, country: 'XX' } }],
    ['address.street', { address: { ...signUpBody().address, street: '' } }],
    ['address.planet', { address: { ...signUpBody().address, planet: 'Earth' } }],
    ['status', { status: 'active' }],
    ['role', { role: 'admin' }],
  ];
  for (const [field, change] of wrong) {
    it(`refuses ${JSON.stringify(change).slice(0, 90)}`, async () => {
      const before = await countClients();
      const answer = await signUp(change);
      expectProblem(answer, 422, 42210000);
      const errors = answer.body.errors as { field: string }[];
      expect(errors.map((error) => error.field)).to.include(field);
      expect(await countClients()).to.equal(before);
    });
  }

  it('tells all that is wrong at once, and never repeats the password', async () => {
    const answer = await signUp({ phone: '1', date_of_birth: '2020-01-01', password: 'liverpool' });
    expect(answer.body.errors).to.have.lengthOf(3);
    expect(JSON.stringify(answer.body)).not.to.include('liverpool');
  });

  it('accepts a passphrase with a name in it, and eight emoji', async () => {
    const password = 'josephine and the public library';
    expect((await signUp({ ...names, password })).status).to.equal(202);
    expect((await signUp({ password: '💶🐎🔋📎💶🐎🔋🧷' })).status).to.equal(202);
  });

  it('knows the 249 countries', () => {
    expect(new Set(COUNTRIES).size).to.equal(249);
  });

  describe('with the address or the number of somebody else', () => {
    it('answers as for somebody new, and offers the holder a way back in', async () => {
      const holder = await signedUp(trading, api);
      const known = await signUp({ email: holder.email.toUpperCase() });
      const unknown = await signUp();
      expect([known.status, known.body]).to.deep.equal([unknown.status, unknown.body]);
      expect(await kindsTo(holder.email)).to.deep.equal(['verify_email', 'sign_up_exists']);
      const { token } = secretsOf(await lastMailTo(trading, holder.email));
      const reset = { token, password: 'another good passphrase' };
      expect((await post('/v2/clients/password/reset', reset)).status).to.equal(204);
    });

    it('mails to the new address that the number cannot be used, three times an hour', async () => {
      const { phone, email: owner } = await signedUp(trading, api);
      const body = signUpBody({ phone });
      const answers = [];
      for (let round = 0; round < 5; round += 1) answers.push(await post('/v2/clients', body));
      const unknown = await signUp();
      for (const { status, body: said } of answers) {
        expect([status, said]).to.deep.equal([202, unknown.body]);
      }
      expect(await clientOf(body.email)).to.equal(undefined);
      const mails = await mailsTo(trading, body.email);
      expect(mails.map(({ kind }) => kind)).to.deep.equal(
        Array.from({ length: 3 }, () => 'sign_up_phone_taken'),
      );
      expect(JSON.stringify(mails)).not.to.include(owner);
      expect(await kindsTo(owner)).to.deep.equal(['verify_email']); // told nothing
    });

    it('takes the number over from a sign-up that nobody confirmed', async () => {
      const mistyped = await signedUp(trading, api, { verified: false });
      const { token } = secretsOf(await lastMailTo(trading, mistyped.email));
      const again = await signedUp(trading, api, { change: { phone: mistyped.phone } });
      expect(await clientOf(again.email)).to.include({ phone: mistyped.phone, status: 'pending' });
      expect(await clientOf(mistyped.email)).to.include({
        status: 'closed',
        status_reason: 'sign-up replaced',
        phone: null,
        password_hash: null,
      });
      expectProblem(await verify({ token }), 422, 42210000);
      expect(await kindsTo(mistyped.email)).to.deep.equal(['verify_email']);
    });

    it('keeps one of twenty who sign up with one number at once', async () => {
      const { phone } = signUpBody();
      const answers = await Promise.all(Array.from({ length: 20 }, () => signUp({ phone })));
      expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([202]));
      expect(await knex()('clients').where({ phone })).to.have.lengthOf(1);
    });

    it('makes one client of twenty at once', async () => {
      const body = signUpBody();
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => post('/v2/clients', body)),
      );
      expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([202]));
      expect(await knex()('clients').where({ email: body.email })).to.have.lengthOf(1);
      expect(await kindsTo(body.email)).to.have.lengthOf(4); // the first, and three again
    });

    it('lets nobody in who signed up first with an address that is not theirs', async () => {
      const stranger = { password: 'the password of a stranger', first_name: 'Mallory' };
      const theirs = signUpBody(stranger);
      await post('/v2/clients', theirs);
      const early = secretsOf(await lastMailTo(trading, theirs.email));
      const mine = signUpBody({ email: theirs.email });
      await post('/v2/clients', mine);
      expectProblem(await verify({ token: early.token }), 422, 42210000);
      const { token } = secretsOf(await lastMailTo(trading, mine.email));
      expect((await verify({ token })).status).to.equal(204);
      const login = (password: string) => post('/v2/sessions', { email: mine.email, password });
      expectProblem(await login(stranger.password), 401, 40110000);
      expect((await login(mine.password)).status).to.equal(200);
      const client = await clientOf(mine.email);
      expect(client).to.include({ first_name: mine.first_name, phone: mine.phone });
      await post('/v2/clients', theirs); // too late
      expect((await login(mine.password)).status).to.equal(200);
    });

    it('changes nothing when no more codes are sent to it', async () => {
      const first = signUpBody();
      for (let time = 0; time < 4; time += 1) await post('/v2/clients', first);
      await post('/v2/clients', { ...first, first_name: 'Mallory' });
      expect(await clientOf(first.email)).to.include({ first_name: first.first_name });
    });

    it('takes both from nobody whose sign-up is closed', async () => {
      const holder = await signedUp(trading, api);
      await knex()('clients').where({ id: holder.id }).update({ status: 'closed' });
      const again = signUpBody({ email: holder.email, phone: holder.phone });
      await post('/v2/clients', again);
      expect(await knex()('clients').where({ email: holder.email })).to.have.lengthOf(2);
    });

    it('takes as long as without', async () => {
      const holder = await signedUp(trading, api);
      const timeOf = async (change: object): Promise<number> => {
        const started = performance.now();
        await signUp(change);
        return performance.now() - started;
      };
      const [known, unknown]: [number[], number[]] = [[], []];
      for (let round = 0; round < 6; round += 1) {
        known.push(await timeOf({ email: holder.email })); // in turn: the machine slows both
        unknown.push(await timeOf({}));
      }
      const ratio = Math.min(...known) / Math.min(...unknown);
      expect(ratio).to.be.within(0.7, 1.4);
    });
  });

  it('takes effect once with an Idempotency-Key, and keeps no plain hash of the password', async () => {
    const body = signUpBody();
    const headers = { 'Idempotency-Key': newId() };
    const first = await post('/v2/clients', body, headers);
    const again = await post('/v2/clients', body, headers);
    expect(again.headers.get('idempotent-replayed')).to.equal('true');
    expect(again.body).to.deep.equal(first.body);
    expect(await kindsTo(body.email)).to.have.lengthOf(1);
    const row = (await knex()('request_keys')
      .where({ key: headers['Idempotency-Key'] })
      .first()) as {
      request_hash: Buffer;
    };
    const plain = createHash('sha256')
      .update(`POST /v2/clients\n${JSON.stringify(body)}`)
      .digest();
    expect(row.request_hash.equals(plain)).to.equal(false);
  });

  it('leaves the password, the codes and the tokens nowhere readable', async () => {
    const password = 'canary-7391-passphrase';
    const body = signUpBody({ password });
    await post('/v2/clients', body, { 'Idempotency-Key': newId() });
    const { code, token } = secretsOf(await lastMailTo(trading, body.email));
    await post('/v2/clients/verify', { token }, { 'Idempotency-Key': newId() });
    for (const table of ['clients', 'mails', 'audit_entries', 'request_keys', 'one_time_codes']) {
      const { rows } = await knex().raw<{ rows: { row: string }[] }>(
        `select to_jsonb(t)::text as row from ${table} t`,
      );
      const text = rows.map(({ row }) => row).join('\n');
      for (const secret of [password, token, Buffer.from(token).toString('hex')]) {
        expect(text, table).not.to.include(secret);
      }
      if (table !== 'clients') expect(text, table).not.to.match(new RegExp(`"${code}"`));
    }
    const { redis } = trading.container;
    for (const key of await redis.keys('*')) {
      const dump = await redis.dumpBuffer(key);
      for (const secret of [password, token, body.email]) {
        expect(dump.includes(secret), key).to.equal(false);
      }
    }
  });
});
