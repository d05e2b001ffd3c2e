import { expect } from 'chai';
import { listEntries } from '../../src/audit/entries.js';
import { expireSignUps, remindSignUps } from '../../src/clients/sign-up-jobs.js';
import { maintenanceDeps } from '../../workers/maintenance-deps.js';
import { createPerson, startApi, type Api } from '../support/api.js';
import { mailsTo } from '../support/sent-mails.js';
import { lastMailTo, secretsOf, signedUp } from '../support/sign-ups.js';
import { startTrading, type Trading } from '../support/trading.js';
import { runUpkeep } from '../support/upkeep.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('sign-ups that nobody completes', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(1, { SIGN_UP_EXPIRES_DAYS: '7' });
    api = await startApi(trading);
  });
  beforeEach(async () => {
    await knex()('clients').where({ status: 'pending' }).update({ email_verified_at: new Date() });
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const knex = () => trading.container.db.knex;
  const deps = () => maintenanceDeps(trading.container).signUps;
  const signUp = async (ageMs: number, verified = false) => {
    const person = await signedUp(trading, api, { verified });
    const created_at = new Date(Date.now() - ageMs);
    await knex()('clients').where({ id: person.id }).update({ created_at });
    return person;
  };
  const kindsTo = async (email: string) => (await mailsTo(trading, email)).map(({ kind }) => kind);
  const rowOf = (id: string) => knex()('clients').where({ id }).first<Record<string, unknown>>();
  const now = () => new Date();

  it('are reminded once after a day, with a code that works, by two workers at once', async () => {
    const young = await signUp(DAY_MS - HOUR_MS);
    const old = await signUp(DAY_MS + HOUR_MS);
    const confirmed = await signUp(DAY_MS + HOUR_MS, true);
    const done = await Promise.all([1, 2, 3].map(() => remindSignUps(deps(), now())));
    expect(done.reduce((all, one) => all + one)).to.equal(1);
    expect(await remindSignUps(deps(), now())).to.equal(0);
    expect(await kindsTo(old.email)).to.deep.equal(['verify_email', 'sign_up_reminder']);
    for (const { email } of [young, confirmed]) {
      expect(await kindsTo(email)).to.deep.equal(['verify_email']);
    }
    const { token } = secretsOf(await lastMailTo(trading, old.email));
    const answer = await api.call('POST', '/v2/clients/verify', { body: { token } });
    expect(answer.status).to.equal(204);
  });

  it('are closed after seven days, and what is not needed of them is erased', async () => {
    const young = await signUp(7 * DAY_MS - HOUR_MS);
    const old = await signUp(7 * DAY_MS + HOUR_MS);
    const confirmed = await signUp(7 * DAY_MS + HOUR_MS, true);
    const { token } = secretsOf(await lastMailTo(trading, old.email));
    const done = await Promise.all([1, 2, 3].map(() => expireSignUps(deps(), now())));
    expect(done.reduce((all, one) => all + one)).to.equal(1);
    expect(await expireSignUps(deps(), now())).to.equal(0);
    expect(await rowOf(old.id)).to.include({
      status: 'closed',
      status_reason: 'sign-up expired',
      phone: null,
      address: null,
      date_of_birth: null,
      password_hash: null,
    });
    for (const { id } of [young, confirmed]) {
      expect(await rowOf(id)).to.include({ status: 'pending' });
    }
    expect(await kindsTo(old.email)).to.deep.equal(['verify_email', 'sign_up_expired']);
    const [entry] = await listEntries(knex(), { client_id: old.id, limit: 1 });
    expect(entry).to.include({ action: 'client.sign_up_closed', reason: 'sign-up expired' });
    expect(entry!.actor).to.include({ kind: 'system', credential: 'sign-up-expiry' });
    const answer = await api.call('POST', '/v2/clients/verify', { body: { token } });
    expect(answer.status).to.equal(422);
    // Address and number are free again.
    const again = await signedUp(trading, api, { change: { email: old.email, phone: old.phone } });
    expect(again.id).not.to.equal(old.id);
  });

  it('are all of them worked off, many pages in one run', async () => {
    const rows = Array.from({ length: 120 }, (_, n) => ({
      id: `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`,
      email: `many-${n}@test.example`,
      first_name: 'Many',
      last_name: 'People',
      status: 'pending',
      created_at: new Date(Date.now() - 30 * DAY_MS),
    }));
    await knex()('clients').insert(rows);
    const done = await Promise.all([1, 2].map(() => expireSignUps(deps(), now())));
    expect(done.reduce((all, one) => all + one)).to.be.at.most(120);
    const rest = await expireSignUps(deps(), now());
    expect(done[0]! + done[1]! + rest).to.equal(120);
  });

  it('leave staff and whoever was accepted alone', async () => {
    const long = new Date(Date.now() - 30 * DAY_MS);
    const people = [
      await createPerson(trading, { role: 'ops', status: 'pending' }),
      await createPerson(trading),
      await createPerson(trading, { status: 'suspended' }),
    ];
    const ids = people.map(({ id }) => id);
    await knex()('clients').whereIn('id', ids).update({ created_at: long });
    expect(await expireSignUps(deps(), now())).to.equal(0);
    expect(await remindSignUps(deps(), now())).to.equal(0);
  });

  it('are looked after by the scheduled upkeep: closed rather than reminded', async () => {
    const old = await signUp(8 * DAY_MS);
    const waiting = await signUp(2 * DAY_MS);
    await runUpkeep('sign-ups', trading);
    expect(await kindsTo(old.email)).to.deep.equal(['verify_email', 'sign_up_expired']);
    expect(await kindsTo(waiting.email)).to.deep.equal(['verify_email', 'sign_up_reminder']);
  });
});
