import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { expect } from 'chai';
import type { Resolve } from '../../src/webhooks/addresses.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { clientOf } from '../support/funding.js';
import { mailsTo } from '../support/sent-mails.js';
import { sessionOf } from '../support/session.js';
import { startTrading, type Trading } from '../support/trading.js';

const resolve: Resolve = (host) =>
  Promise.resolve(host.endsWith('private.example') ? ['10.0.0.1'] : ['93.184.215.14']);
const URL_OF_CLIENT = 'https://hooks.example/brokerx';

describe('a webhook', () => {
  let trading: Trading;
  let api: Api;
  let nudged: string[];
  let account = -1;
  let session: { Authorization: string };

  before(async () => {
    trading = await startTrading(20);
    const nudgeWebhooks = (ids: readonly string[]) => void nudged.push(...ids);
    api = await startApi(trading, { resolve, nudgeWebhooks });
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });
  beforeEach(async () => {
    nudged = [];
    account += 1;
    const accountId = trading.accounts[account]!.account_id;
    const person = { id: await clientOf(trading, account), accountId };
    session = await sessionOf(trading, api, person, { steppedUp: true });
  });

  const knex = () => trading.container.db.knex;
  const call = (method: string, path: string, body?: object): Promise<Answer> =>
    api.call(method, `/v2/webhooks${path}`, { headers: session, ...(body && { body }) });
  const byKey = (method: string, path: string, body?: object): Promise<Answer> =>
    api.call(method, `/v2/webhooks${path}`, {
      as: trading.accounts[account]!,
      ...(body && { body }),
    });
  const create = (more: object = {}): Promise<Answer> =>
    call('POST', '', { url: URL_OF_CLIENT, ...more });
  const audited = async (action: string): Promise<number> => {
    const { account_id: id } = trading.accounts[account]!;
    const { rows } = await knex().raw<{ rows: object[] }>(
      `select from audit_entries where content::jsonb ->> 'action' = ?
         and content::jsonb -> 'subject' ->> 'account_id' = ?`,
      [action, id],
    );
    return rows.length;
  };

  it('is shown with its secret once, and its owner gets a mail', async () => {
    const { status, headers, body } = await create({ events: ['order.*'], description: 'mine' });
    expect(status).to.equal(201);
    expect(headers.get('cache-control')).to.equal('no-store');
    expect(body).to.include({ url: URL_OF_CLIENT, description: 'mine', enabled: true });
    expect(body.events).to.deep.equal(['order.*']);
    const secret = body.secret as string;
    expect(Buffer.from(secret.replace(/^whsec_/, ''), 'base64')).to.have.lengthOf(32);

    const answers = [await call('GET', ''), await call('GET', `/${body.id}`)];
    const rows = [await knex()('webhook_endpoints'), await knex()('audit_entries')];
    expect(inspect([answers, rows], { depth: null, maxArrayLength: null })).not.to.include(secret);
    const row = await knex()('webhook_endpoints')
      .where({ id: body.id })
      .first<{ secret: Buffer }>();
    expect(row.secret.includes(secret), 'sealed').to.equal(false);
    expect(await audited('webhook.created')).to.equal(1);
    const clientId = await clientOf(trading, account);
    const { email } = await knex()('clients').where({ id: clientId }).first<{ email: string }>();
    const mails = await mailsTo(trading, email);
    expect(mails.map(({ kind }) => kind)).to.deep.equal(['webhook_created']);
  });

  it('begins at the present, with everything unless said otherwise', async () => {
    await trading.place({ account, side: 'buy', qty: '1', price: '10' });
    const { body } = await create();
    expect(body).to.include({ last_event_id: 1, description: '' });
    expect(body.events).to.deep.equal(['*']);
  });

  it('needs a person with a second factor where the data may go elsewhere', async () => {
    const { body } = await create();
    const path = `/${body.id}`;
    for (const [method, where, sent] of [
      ['POST', '', { url: URL_OF_CLIENT }],
      ['PATCH', path, { url: 'https://evil.example/' }],
      ['POST', `${path}/rotate`, undefined],
      ['DELETE', path, undefined],
    ] as const) {
      expectProblem(await byKey(method, where, sent), 403, 40310000);
    }
    const person = {
      id: await clientOf(trading, account),
      accountId: trading.accounts[account]!.account_id,
    };
    session = await sessionOf(trading, api, person);
    const refused = await call('PATCH', path, { enabled: false });
    expect(refused.body).to.include({ status: 403, step_up_required: true });
    expect((await call('DELETE', path)).status, 'that may be urgent').to.equal(204);
    expect((await byKey('GET', path)).status).to.equal(404);
    expect(await audited('webhook.deleted')).to.equal(1);
  });

  for (const [what, url, said] of [
    ['a plain one', 'http://hooks.example/', 'must begin with https:'],
    ['a private address', 'https://10.1.2.3/', 'not on the public internet'],
    ['a name of a private address', 'https://x.private.example/', 'not on the public internet'],
    ['one with a user name', 'https://me:secret@hooks.example/', 'user name or password'],
    ['a port of another service', 'https://hooks.example:25/', 'port 25'],
    ['what is no URL', 'hooks', 'must be a URL'],
  ] as const) {
    it(`is not set up for ${what}, nor changed to it`, async () => {
      const refused = await create({ url });
      expectProblem(refused, 422, 42210000);
      expect(refused.body.detail).to.include(said);
      expect(refused.body.errors[0].field).to.equal('url');
      expect((await call('GET', '')).body.webhooks).to.deep.equal([]);
    });
  }

  it('is told what it may be told of', async () => {
    const { status, body } = await create({ events: ['fill', 'order.filled'] });
    expect(status).to.equal(422);
    expect(body.errors[0].message).to.include('transfer.settled').and.to.include('order.*');
    expect((await create({ events: [] })).status).to.equal(422);
    expect((await create({ events: ['transfer.settled', 'security.*', 'fill'] })).status).to.equal(
      201,
    );
  });

  it('is one of ten at most, also when several are asked for at once', async function () {
    this.timeout(20_000);
    const answers = await Promise.all(Array.from({ length: 12 }, () => create()));
    const statuses = answers.map(({ status }) => status).sort((a, b) => a - b);
    expect(statuses).to.deep.equal([...Array<number>(10).fill(201), 403, 403]);
  });

  it('is turned off and on, and changed', async () => {
    const { body } = await create();
    const path = `/${body.id}`;
    const off = await call('PATCH', path, { enabled: false });
    expect(off.body).to.include({ enabled: false, disabled_reason: 'owner' });
    const on = await call('PATCH', path, { enabled: true, events: ['fill'], description: 'x' });
    expect(on.body).to.include({ enabled: true, disabled_reason: null, description: 'x' });
    expect(on.body.events).to.deep.equal(['fill']);
    expect(nudged).to.include(body.id);
    expect(await audited('webhook.changed')).to.equal(2);
    expect((await call('PATCH', path, {})).status).to.equal(422);
  });

  it('gets a new secret, and the old one stays valid for a day', async () => {
    const { body } = await create();
    const rotated = await call('POST', `/${body.id}/rotate`);
    expect(rotated.status).to.equal(200);
    expect(rotated.body.secret)
      .to.match(/^whsec_/)
      .and.not.equal(body.secret);
    const until = Date.parse(rotated.body.previous_secret_until) - Date.now();
    expect(until / 3_600_000).to.be.within(23.9, 24);
    expect(await audited('webhook.secret_rotated')).to.equal(1);
  });

  it('is sent a test, once for each Idempotency-Key, and a program may ask for it', async () => {
    const { body } = await create();
    const as = trading.accounts[account]!;
    const headers = { 'Idempotency-Key': randomUUID() };
    const ask = () => api.call('POST', `/v2/webhooks/${body.id}/test`, { as, headers });
    const first = await ask();
    expect(first.status).to.equal(202);
    expect(first.body).to.include({ type: 'webhook.test', status: 'queued', event_id: null });
    expect((await ask()).body).to.deep.equal(first.body);
    expect(nudged).to.deep.equal([body.id]);
    const log = await byKey('GET', `/${body.id}/deliveries`);
    expect(log.body.deliveries).to.deep.equal([first.body]);
    for (let more = 1; more < 20; more += 1) await byKey('POST', `/${body.id}/test`);
    expectProblem(await byKey('POST', `/${body.id}/test`), 409, 40910000);
  });

  it('is moved back in the log, and not ahead', async () => {
    await trading.place({ account, side: 'buy', qty: '1', price: '10' });
    await trading.settle();
    const { body } = await create();
    const path = `/${body.id}/replay`;
    const moved = await byKey('POST', path, { from_event_id: 1 });
    expect(moved.body).to.include({ last_event_id: 0 });
    expect(nudged).to.deep.equal([body.id]);
    const ahead = await byKey('POST', path, { from_event_id: 2 });
    expectProblem(ahead, 422, 42210000);
    expect(ahead.body.detail).to.include('it may be 1 to 1');
    expect(await audited('webhook.replayed')).to.equal(1);
  });

  it('has a log in pages, and its dead letters', async () => {
    const { body } = await create();
    const path = `/${body.id}/deliveries`;
    const now = new Date();
    const rows = [1, 2, 3].map((event_id) => ({
      id: `01a20620-4595-7000-8000-00000000000${event_id}`,
      endpoint_id: body.id as string,
      event_id,
      type: 'new',
      message_id: `evt_x_${event_id}`,
      status: event_id === 2 ? 'dead' : 'delivered',
      attempts: 1,
      created_at: now,
      updated_at: now,
    }));
    await knex()('webhook_deliveries').insert(rows);
    const first = await byKey('GET', `${path}?limit=2`);
    expect(eventIdsOf(first)).to.deep.equal([3, 2]);
    const next = await byKey('GET', `${path}?limit=2&page_token=${first.body.next_page_token}`);
    expect(next.body.deliveries).to.have.lengthOf(1);
    expect(next.body.next_page_token).to.equal(null);
    const dead = await byKey('GET', `${path}?status=dead`);
    expect(eventIdsOf(dead)).to.deep.equal([2]);

    expect((await byKey('POST', `${path}/2/redrive`)).body).to.include({ status: 'queued' });
    expectProblem(await byKey('POST', `${path}/2/redrive`), 409, 40910000);
    expectProblem(await byKey('POST', `${path}/3/redrive`), 409, 40910000);
    expectProblem(await byKey('POST', `${path}/9/redrive`), 404, 40410000);
    expectProblem(await byKey('POST', `${path}/x/redrive`), 422, 42210000);
  });

  it("is its account's alone", async () => {
    const { body } = await create();
    const stranger = await createPerson(trading, {
      accountId: trading.accounts[(account + 1) % 20]!.account_id,
    });
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/deliveries'],
      ['POST', '/test'],
    ] as const) {
      const answer = await api.call(method, `/v2/webhooks/${body.id}${path}`, { as: stranger });
      expectProblem(answer, 404, 40410000);
    }
  });
});

const eventIdsOf = ({ body }: Answer): number[] =>
  (body as { deliveries: { event_id: number }[] }).deliveries.map(({ event_id: id }) => id);
