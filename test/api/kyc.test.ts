import { expect } from 'chai';
import { listEntries } from '../../src/audit/entries.js';
import { newId } from '../../src/ids.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { sessionOf } from '../support/session.js';
import {
  documentBody,
  GOOD_PASSWORD,
  lastMailTo,
  pendingPerson,
  secretsOf,
  signedUp,
} from '../support/sign-ups.js';
import { toldTo } from '../support/told.js';
import { startTrading, type Trading } from '../support/trading.js';

type Headers = Awaited<ReturnType<typeof sessionOf>>;

describe('the identity check', () => {
  let trading: Trading;
  let api: Api;
  let officer: Awaited<ReturnType<typeof createPerson>>;
  let client: { id: string; email: string };
  let mine: Headers;

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
    officer = await createPerson(trading, { role: 'compliance', scopes: ['read', 'admin'] });
  });
  beforeEach(async () => {
    client = await pendingPerson(trading);
    mine = await sessionOf(trading, api, client);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const knex = () => trading.container.db.knex;
  const add = (body: object, headers: Headers = mine) =>
    api.call('POST', '/v2/clients/me/documents', { headers, body });
  const review = (id = client.id) =>
    api.call('GET', `/v2/admin/kyc_reviews/${id}`, { as: officer });
  const decide = (decision: string, id = client.id, headers = {}): Promise<Answer> =>
    api.call('POST', `/v2/admin/kyc_reviews/${id}/decision`, {
      as: officer,
      headers,
      body: { decision, reason: 'the documents were looked at' },
    });
  const statusOf = (id = client.id) =>
    knex()('clients')
      .where({ id })
      .first<{ status: string; status_reason: string | null }>('status', 'status_reason');
  const accountsOf = (id = client.id) =>
    knex()('accounts').where({ client_id: id }).select('id', 'cash', 'account_number');
  const lastEntry = async (id = client.id) =>
    (await listEntries(knex(), { client_id: id, limit: 1 }))[0]!;

  describe('takes documents', () => {
    it('as a hash and what they are, and keeps four characters of their number', async () => {
      const body = documentBody();
      const added = await add({ ...body, sha256: body.sha256.toUpperCase() });
      expect(added.status).to.equal(201);
      const { document_number: number, ...shown } = body;
      expect(added.body).to.include({ ...shown, document_number_last4: '0T47' });
      const list = await api.call('GET', '/v2/clients/me/documents', { headers: mine });
      expect(list.body.documents).to.deep.equal([added.body]);
      const entry = await lastEntry();
      expect(entry).to.include({ action: 'client.document_added' });
      expect(entry.after).to.deep.equal({ kind: 'passport', sha256: body.sha256 });
      const { rows } = await knex().raw<{ rows: { row: string }[] }>(
        'select to_jsonb(d)::text as row from client_documents d',
      );
      expect(rows.map(({ row }) => row).join()).not.to.include(number);
    });

    it('once: the same file again is the first one', async () => {
      const body = documentBody();
      const answers = await Promise.all([add(body), add(body), add(body)]);
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 200, 201]);
      expect(new Set(answers.map(({ body: { id } }) => id as string))).to.have.lengthOf(1);
      const other = await add({ ...body, kind: 'id_card' });
      expect([other.status, other.body.kind]).to.deep.equal([200, 'passport']);
    });

    it('twenty of a client at most', async () => {
      for (let n = 0; n < 20; n += 1) expect((await add(documentBody())).status).to.equal(201);
      expectProblem(await add(documentBody()), 403, 40310000);
    });

    it('that somebody else has shown, and tells compliance alone', async () => {
      const body = documentBody();
      const other = await pendingPerson(trading);
      await add(body, await sessionOf(trading, api, other));
      const answer = await add(body);
      expect(answer.status).to.equal(201);
      expect(JSON.stringify(answer.body)).not.to.include(other.id);
      const entry = await lastEntry();
      expect(entry.action).to.equal('client.document_shared');
      expect(entry.after!['other_clients']).to.deep.equal([other.id]);
      const { sha256 } = body;
      for (const [id, who] of [
        [client.id, other.id],
        [other.id, client.id],
      ]) {
        const { shared_documents: shared } = (await review(id)).body;
        expect(shared).to.deep.equal([{ sha256, client_id: who }]);
      }
    });

    const wrong: [field: string, change: object][] = [
      ['kind', { kind: 'library_card' }],
      ['sha256', { sha256: 'abc' }],
      ['file_name', { file_name: '../etc/passwd' }],
      ['content_type', { content_type: 'text/html' }],
      ['size', { size: 0 }],
      ['size', { size: 20_000_001 }],
      ['issuing_country', { issuing_country: 'XX' }],
      ['expires_on', { expires_on: '2020-01-01' }],
      ['document_number', { document_number: '<b>' }],
      ['content', { content: 'data' }],
    ];
    for (const [field, change] of wrong) {
      it(`but none with ${JSON.stringify(change)}`, async () => {
        const answer = await add(documentBody(change));
        expectProblem(answer, 422, 42210000);
        expect(answer.body.errors[0].field).to.equal(field);
      });
    }
  });

  describe('approves', () => {
    it('once all is there: the client is active, with an account and an empty wallet', async () => {
      const unverified = await signedUp(trading, api, { verified: false });
      expect((await decide('approve', unverified.id)).body.missing).to.deep.equal([
        'verified_email',
        'identity_document',
      ]);
      await add(documentBody({ kind: 'proof_of_address' }));
      const early = await decide('approve');
      expectProblem(early, 422, 42210000);
      expect(early.body.missing).to.deep.equal(['identity_document']);
      const body = documentBody();
      await add(body);

      const answer = await decide('approve');
      expect(answer.status).to.equal(200);
      expect(answer.body).to.include({ decision: 'approve', decided_by: officer.id });
      expect(answer.body.client).to.include({ status: 'active' });
      expect(answer.body.client.activated_at).to.be.a('string');
      const [account, ...more] = await accountsOf();
      expect(more).to.have.lengthOf(0);
      expect(account).to.include({ cash: 0n });
      const entry = await lastEntry();
      expect(entry).to.include({ action: 'kyc.approved' });
      expect(entry.subject).to.include({ client_id: client.id, account_id: account.id });
      expect(entry.after!['documents']).to.have.lengthOf(2);
      expect(JSON.stringify(entry.after)).to.include(body.sha256);
      const [told] = await toldTo(trading, client.id);
      expect(told).to.include({ event: 'account.activated', hasMail: true });
      const headers = await sessionOf(trading, api, { ...client, accountId: account.id });
      const wallet = await api.call('GET', '/v2/account', { headers });
      expect(wallet.body).to.include({ id: account.id, status: 'ACTIVE', cash: '0' });
      expect(await trading.proof()).to.include({ balanced: true });
    });

    it('once for twenty who decide at the same time, whatever they decide', async () => {
      await add(documentBody());
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) => decide(n % 4 ? 'approve' : 'reject')),
      );
      const refused = answers.filter(({ status }) => status !== 200);
      expect(refused).to.have.lengthOf(19);
      const { status } = await statusOf();
      for (const answer of refused) {
        expectProblem(answer, 409, 40910000);
        expect(answer.body.client_status).to.equal(status);
      }
      expect(await accountsOf()).to.have.lengthOf(status === 'active' ? 1 : 0);
    });

    it('again with the same Idempotency-Key by answering as before', async () => {
      await add(documentBody());
      const headers = { 'Idempotency-Key': newId() };
      const first = await decide('approve', client.id, headers);
      const again = await decide('approve', client.id, headers);
      expect(again.headers.get('idempotent-replayed')).to.equal('true');
      expect(again.body).to.deep.equal(first.body);
    });
  });

  it('is the way from signing up to an account: confirm, log in, show, be approved', async () => {
    const { id, email } = await signedUp(trading, api, { verified: false });
    const login = () =>
      api.call('POST', '/v2/sessions', { body: { email, password: GOOD_PASSWORD } });
    const headersOf = ({ body }: Answer) => ({
      Authorization: `Bearer ${body.access_token as string}`,
    });
    expectProblem(await login(), 403, 40310000);
    const { token } = secretsOf(await lastMailTo(trading, email));
    await api.call('POST', '/v2/clients/verify', { body: { token } });
    const pending = headersOf(await login());
    expect((await add(documentBody(), pending)).status).to.equal(201);
    const early = await api.call('GET', '/v2/account', { headers: pending });
    expectProblem(early, 403, 40310000);
    expect((await decide('approve', id)).status).to.equal(200);
    const wallet = await api.call('GET', '/v2/account', { headers: headersOf(await login()) });
    expect(wallet.body).to.include({ status: 'ACTIVE', cash: '0' });
    const me = await api.call('GET', '/v2/clients/me', { headers: pending });
    expect(me.body).to.include({ id, email, status: 'active' });
  });

  it('rejects with a reason: nothing is opened, and the sessions end', async () => {
    const answer = await decide('reject');
    expect(answer.status).to.equal(200);
    const reason = 'the documents were looked at';
    expect(await statusOf()).to.deep.equal({ status: 'rejected', status_reason: reason });
    expect(await accountsOf()).to.have.lengthOf(0);
    const [told] = await toldTo(trading, client.id);
    expect(told).to.include({ event: 'account.rejected', hasMail: true });
    expect(told!.data['reason']).to.equal(reason);
    expect(await lastEntry()).to.include({ action: 'kyc.rejected', reason });
    const open = knex()('sessions').where({ client_id: client.id }).whereNull('ended_at');
    expect(await open).to.have.lengthOf(0);
  });

  it('is not for oneself, nor for staff, nor for nobody', async () => {
    expectProblem(await decide('approve', officer.id), 403, 40310000);
    const staff = await createPerson(trading, { role: 'ops', status: 'pending' });
    expectProblem(await decide('approve', staff.id), 404, 40410000);
    expectProblem(await review(staff.id), 404, 40410000);
    expectProblem(await decide('approve', newId()), 404, 40410000);
    expectProblem(await decide('approve', 'x'), 422, 42210000);
    expectProblem(await decide('perhaps'), 422, 42210000);
  });

  it('is for compliance and admins alone', async () => {
    for (const role of ['client', 'ops'] as const) {
      const person = await createPerson(trading, { role, scopes: ['read', 'trade', 'admin'] });
      for (const [method, path] of [
        ['GET', '/v2/admin/kyc_reviews'],
        ['GET', `/v2/admin/kyc_reviews/${client.id}`],
        ['POST', `/v2/admin/kyc_reviews/${client.id}/decision`],
      ] as const) {
        expectProblem(await api.call(method, path, { as: person }), 403, 40310000);
      }
    }
    const admin = await createPerson(trading, { role: 'admin', scopes: ['read', 'admin'] });
    expect((await api.call('GET', '/v2/admin/kyc_reviews', { as: admin })).status).to.equal(200);
  });

  it('lists who waits, the oldest first, page by page', async () => {
    const list = (query: string) =>
      api.call('GET', `/v2/admin/kyc_reviews?${query}`, { as: officer });
    const ids = ({ body }: Answer) =>
      (body.reviews as { client_id: string }[]).map(({ client_id: id }) => id);
    const others = await Promise.all([1, 2].map(() => pendingPerson(trading)));
    const all = [client, ...others].map(({ id }) => id).sort();
    for (const id of all) await add(documentBody(), await sessionOf(trading, api, { id }));
    const incomplete = await pendingPerson(trading);
    const seen: string[] = [];
    let token = '';
    do {
      const page = await list(`limit=1${token && `&page_token=${token}`}`);
      seen.push(...ids(page));
      token = (page.body.next_page_token as string | null) ?? '';
    } while (token);
    expect(seen).to.include.members(all).and.not.include(incomplete.id);
    expect(seen).to.deep.equal([...seen].sort());
    expect(ids(await list('status=incomplete&limit=500'))).to.include(incomplete.id);
    await decide('approve', all[0]);
    await decide('reject', all[1]);
    expect(ids(await list('status=waiting&limit=500'))).not.to.include.members([all[0]!]);
    expect(ids(await list('status=approved&limit=500'))).to.include(all[0]);
    expect(ids(await list('status=rejected&limit=500'))).to.include(all[1]);
    expectProblem(await list('status=lost'), 422, 42210000);
  });
});
