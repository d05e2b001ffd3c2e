import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { recordAct, systemActor } from '../../src/audit/record.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { sessionOf } from '../support/session.js';
import { startTrading, type Trading } from '../support/trading.js';

interface Entry {
  id: string;
  seq: number;
  hash: string;
  action: string;
  actor: { client_id: string };
  subject: Record<string, string>;
  after: Record<string, unknown>;
}

describe('the audit log over HTTP', () => {
  let trading: Trading;
  let api: Api;
  let officer: Awaited<ReturnType<typeof createPerson>>;
  let client: { id: string; accountId: string };

  before(async () => {
    trading = await startTrading(2);
    api = await startApi(trading);
    officer = await createPerson(trading, { role: 'compliance', scopes: ['read', 'admin'] });
    const accountId = trading.accounts[0]!.account_id;
    const { knex } = trading.container.db;
    const account = await knex('accounts')
      .where({ id: accountId })
      .first<{ id: string }>('client_id as id');
    client = { ...account, accountId };
    const path = `/v2/admin/accounts/${accountId}/restriction`;
    for (let round = 0; round < 3; round += 1) {
      await api.call('PUT', path, { as: officer, body: { reason: 'suspicion of fraud' } });
      await api.call('DELETE', `${path}?reason=cleared`, { as: officer });
    }
    const limits = { account_id: accountId, collar_bps: 100, reason: 'house only' };
    await api.call('PUT', '/v2/admin/limits', { as: officer, body: limits });
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const search = (query: string): Promise<Answer> =>
    api.call('GET', `/v2/admin/audit?${query}`, { as: officer });
  const entriesOf = ({ body }: Answer): Entry[] => (body as { entries: Entry[] }).entries;
  const searches = async (): Promise<Entry[]> =>
    entriesOf(await search('action=audit.searched&limit=500'));

  it('is searched by action, actor, client, account, address and request', async () => {
    const found = entriesOf(await search(`action=restriction.set&client_id=${client.id}`));
    expect(found).to.have.lengthOf(3);
    const [entry] = found as [Entry & { origin: { request_id: string } }];
    expect(entry.subject).to.include({ account_id: client.accountId, client_id: client.id });
    const all: [string, number][] = [
      [`action=restriction.set,restriction.lift&account_id=${client.accountId}`, 6],
      [`action=restriction.set&action=limits.set&actor_id=${officer.id}`, 4],
      [`action=restriction.set&ip=::ffff:127.0.0.1&limit=1`, 0],
      [`action=restriction.set&ip=127.0.0.1`, 3],
      [`request_id=${entry.origin.request_id}&action=restriction.set`, 1],
      [`action=restriction.set&after=${new Date().toISOString()}`, 0],
      [`action=restriction.set&until=${new Date().toISOString()}`, 3],
      [`action=restriction.set&symbol=AAPL`, 0],
    ];
    for (const [query, count] of all) {
      expect(entriesOf(await search(query)), query).to.have.lengthOf(count);
    }
    expectProblem(await search('action=nothing.known'), 422, 42210000);
  });

  it('is read page by page, without a gap and nothing twice', async () => {
    const seen: number[] = [];
    let token: string | null = '';
    while (token !== null) {
      const page = await search(
        `client_id=${client.id}&action=restriction.set,restriction.lift&limit=4` +
          (token && `&page_token=${token}`),
      );
      seen.push(...entriesOf(page).map(({ seq }) => seq));
      token = (page.body as { next_page_token: string | null }).next_page_token;
    }
    expect(seen).to.have.lengthOf(6);
    expect(new Set(seen)).to.have.lengthOf(6);
    expect(seen).to.deep.equal([...seen].sort((a, b) => b - a));
  });

  it('records that it was searched, once a search and not for its pages', async () => {
    const before = (await searches()).length;
    const first = await search(`account_id=${client.accountId}&limit=1`);
    const token = (first.body as { next_page_token: string }).next_page_token;
    await search(`account_id=${client.accountId}&limit=1&page_token=${token}`);
    const found = await searches();
    expect(found).to.have.lengthOf(before + 2); // and the search for the searches before it
    expect(found[0]!.actor.client_id).to.equal(officer.id);
    expect(found[0]!.subject).to.include({ client_id: client.id, account_id: client.accountId });
    expect(found[0]!.after).to.deep.equal({
      query: { account_id: client.accountId, limit: '1' },
    });
  });

  it('shows one entry with what its hash is computed from', async () => {
    const [{ id }] = entriesOf(await search('action=restriction.set&limit=1')) as [Entry];
    const { body } = await api.call('GET', `/v2/admin/audit/${id}`, { as: officer });
    const { seq, hash, content, previous_hash: previous } = body as Record<string, string>;
    const number = Buffer.alloc(8);
    number.writeBigInt64BE(BigInt(seq!));
    const link = createHash('sha256').update(previous!, 'hex').update(number).update(content!);
    expect(link.digest('hex')).to.equal(hash);
    expect((await searches())[0]!.subject).to.include({ entry_id: id, client_id: client.id });
    const none = '01890000-0000-7000-8000-000000000000';
    const missing = await api.call('GET', `/v2/admin/audit/${none}`, { as: officer });
    expectProblem(missing, 404, 40410000);
  });

  it('shows a client their own part, and of us neither who, nor from where, nor why', async () => {
    const headers = await sessionOf(trading, api, client);
    const { status, body } = await api.call('GET', '/v2/clients/me/audit', { headers });
    expect(status).to.equal(200);
    const { entries } = body as { entries: Record<string, unknown>[] };
    expect(entries.map(({ action }) => action)).to.have.members([
      ...Array<string>(3).fill('restriction.set'),
      ...Array<string>(3).fill('restriction.lift'),
    ]);
    for (const entry of entries) {
      expect(entry).to.deep.include({ ip: null, user_agent: null });
      expect(entry['by']).to.deep.equal({ kind: 'staff', name: 'BrokerX+ staff' });
    }
    const text = JSON.stringify(body);
    for (const ours of [
      officer.id,
      officer.key_id,
      'fraud',
      'cleared',
      'house only',
      '127.0.0.1',
    ]) {
      expect(text).not.to.include(ours);
    }
  });

  it('shows a client what they did themselves, and where from', async () => {
    const { knex } = trading.container.db;
    const you = { kind: 'person', clientId: client.id, role: 'client', credential: 'x' } as const;
    const from = { ip: '192.0.2.1', userAgent: 'test', requestId: null };
    const subject = { client_id: client.id };
    await recordAct(knex, { ...you, ...from }, { action: 'kill_switch.set', subject });
    await recordAct(knex, systemActor('test'), { action: 'kill_switch.lift', subject });
    const headers = await sessionOf(trading, api, client);
    const { body } = await api.call('GET', '/v2/clients/me/audit?limit=2', { headers });
    const { entries, next_page_token: token } = body as {
      entries: [Record<string, unknown>, Record<string, unknown>];
      next_page_token: string;
    };
    expect(entries[0]).to.deep.include({ by: { kind: 'system', name: 'BrokerX+' }, ip: null });
    expect(entries[1]).to.deep.include({ by: { kind: 'you', name: 'You' }, ip: '192.0.2.1' });
    const next = await api.call('GET', `/v2/clients/me/audit?page_token=${token}`, { headers });
    expect(entriesOf(next)).to.have.lengthOf(6);
  });

  it('shows another client nothing of it, and a key not even its own', async () => {
    const other = await createPerson(trading);
    const headers = await sessionOf(trading, api, other);
    const { body } = await api.call('GET', '/v2/clients/me/audit', { headers });
    expect(entriesOf({ body } as Answer)).to.deep.equal([]);
    const key = trading.accounts[0]!;
    expectProblem(await api.call('GET', '/v2/clients/me/audit', { as: key }), 403, 40310000);
  });
});
