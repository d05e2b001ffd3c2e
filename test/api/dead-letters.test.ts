import { expect } from 'chai';
import { listEntries } from '../../src/audit/entries.js';
import { newId } from '../../src/ids.js';
import { enqueueMail } from '../../src/notifications/mails.js';
import { notify } from '../../src/notifications/notify.js';
import { createPerson, expectProblem, startApi, type Api } from '../support/api.js';
import { clientOf } from '../support/funding.js';
import { toldTo } from '../support/told.js';
import { startTrading, type Trading } from '../support/trading.js';

const PATH = '/v2/admin/notifications/dead';

describe('dead letters', () => {
  let trading: Trading;
  let api: Api;
  let client: Awaited<ReturnType<typeof createPerson>>;
  let ops: typeof client;
  let nudges: number;

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading, { nudgeNotifications: () => (nudges += 1) });
    ops = await createPerson(trading, { role: 'ops', scopes: ['read', 'admin'] });
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });
  beforeEach(async () => {
    nudges = 0;
    client = await createPerson(trading);
    await knex()('message_deliveries').delete();
    await knex()('mails').delete();
  });

  const knex = () => trading.container.db.knex;
  const list = async (query = '') =>
    (await api.call('GET', PATH + query, { as: ops })).body as {
      dead: Record<string, unknown>[];
      next_page_token: string | null;
    };
  const redrive = (id: string, as = ops) => api.call('POST', `${PATH}/${id}/redrive`, { as });

  /** @returns the message's id */
  async function deadMessage(): Promise<string> {
    const data = { at: new Date().toISOString(), ip: null, device: null, detail: null };
    await knex().transaction((trx) =>
      notify(trx, { clientId: client.id, event: 'security.password_changed', data }),
    );
    const { id } = (await toldTo(trading, client.id)).at(-1)!;
    await knex()('message_deliveries')
      .where({ message_id: id })
      .update({ attempts: 24, dead_at: new Date(), last_error: '550 no such mailbox' });
    return id;
  }
  async function deadMail(): Promise<string> {
    await knex().transaction((trx) =>
      enqueueMail(trx, trading.container.sealer, {
        kind: 'email_in_use',
        to: client.email,
        clientId: client.id,
        data: {},
      }),
    );
    await knex()('mails').update({ attempts: 24, dead_at: new Date(), due_at: 'infinity' });
    return (await knex()('mails').first<{ id: string }>('id')).id;
  }

  it('are listed with what they were and why, page by page', async () => {
    const ids = [await deadMessage(), await deadMessage(), await deadMail()];
    const first = await list('?channel=email&limit=2');
    const second = await list(`?limit=2&page_token=${first.next_page_token!}`);
    const all = [...first.dead, ...second.dead];
    expect(all.map(({ id }) => id)).to.deep.equal(ids.reverse());
    expect(all.map(({ event }) => event)).to.deep.equal([
      'email_in_use',
      'security.password_changed',
      'security.password_changed',
    ]);
    expect(all[1]).to.include({
      channel: 'email',
      client_id: client.id,
      attempts: 24,
      last_error: '550 no such mailbox',
    });
    expectProblem(await api.call('GET', `${PATH}?channel=x`, { as: ops }), 422, 42210000);
  });

  it('are redriven, once, and that is audited', async () => {
    for (const id of [await deadMessage(), await deadMail()]) {
      expect((await redrive(id)).status).to.equal(202);
      expectProblem(await redrive(id), 409, 40910000);
      const [entry] = await listEntries(knex(), { client_id: client.id, limit: 1 });
      expect(entry).to.include({ action: 'notification.redriven' });
      expect(entry!.subject).to.include({ notification_id: id });
    }
    expect(nudges).to.equal(2);
    expect((await list()).dead).to.deep.equal([]);
    const alive = { attempts: 0, dead_at: null };
    expect(await knex()('message_deliveries').first()).to.include(alive);
    const mail = (await knex()('mails').first()) as { due_at: Date };
    expect(mail).to.include(alive);
    expect(mail.due_at).to.be.instanceOf(Date);
    expectProblem(await redrive(newId()), 404, 40410000);
  });

  it('are events of webhooks, too, which are queued again', async () => {
    const [id, endpointId, now] = [newId(), newId(), new Date()];
    await knex()('webhook_endpoints').insert({
      id: endpointId,
      account_id: trading.accounts[0]!.account_id,
      url: 'https://hooks.example/',
      events: ['*'],
      secret: Buffer.alloc(60),
      cursor: 0,
      due_at: now,
      created_at: now,
      updated_at: now,
    });
    const dead = { event_id: 1, type: 'fill', message_id: 'test', status: 'dead', attempts: 3 };
    const times = { created_at: now, updated_at: now };
    await knex()('webhook_deliveries').insert({ id, endpoint_id: endpointId, ...dead, ...times });
    expect((await list('?channel=webhook')).dead).to.have.length(1);
    expect((await list('?channel=webhook')).dead[0]).to.include({
      id,
      channel: 'webhook',
      event: 'fill',
      client_id: await clientOf(trading, 0),
      attempts: 3,
    });
    expect((await redrive(id)).status).to.equal(202);
    const row: unknown = await knex()('webhook_deliveries').where({ id }).first('status');
    expect(row).to.deep.equal({ status: 'queued' });
    expect((await list('?channel=webhook')).dead).to.deep.equal([]);
    expectProblem(await redrive(id), 409, 40910000);
  });

  it('are read by compliance, too, but redriven by ops and admins only', async () => {
    const id = await deadMessage();
    const officer = await createPerson(trading, { role: 'compliance', scopes: ['read', 'admin'] });
    expect((await api.call('GET', PATH, { as: officer })).status).to.equal(200);
    expectProblem(await redrive(id, officer), 403, 40310000);
    expectProblem(await redrive(id, client), 403, 40310000);
    expectProblem(await api.call('GET', PATH, { as: client }), 403, 40310000);
  });
});
