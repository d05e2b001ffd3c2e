import { expect } from 'chai';
import { listEntries } from '../../src/audit/entries.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

const PATH = '/v2/notifications/preferences';

describe('notification preferences', () => {
  let trading: Trading;
  let api: Api;
  let me: Awaited<ReturnType<typeof createPerson>>;

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });
  beforeEach(async () => {
    me = await createPerson(trading);
  });

  const read = async (as: object = me) =>
    (await api.call('GET', PATH, { as: as as typeof me })).body as {
      language: string;
      events: Record<string, { email: boolean; in_app: boolean; webhook: boolean }>;
    };
  const change = (body: object, as: object = me): Promise<Answer> =>
    api.call('PUT', PATH, { as: as as typeof me, body });

  it('show every event with its defaults: only that an order was taken is not told', async () => {
    const { language, events } = await read();
    expect(language).to.equal('en');
    expect(Object.keys(events)).to.have.length(18);
    for (const [event, choice] of Object.entries(events)) {
      const isTold = event !== 'order.accepted';
      expect(choice, event).to.deep.equal({ email: isTold, in_app: isTold, webhook: true });
    }
  });

  it('change what is named, and leave the rest', async () => {
    const body = {
      language: 'fr',
      events: { 'order.accepted': { email: true }, 'order.filled': { in_app: false } },
    };
    const answer = await change(body);
    expect(answer.status).to.equal(200);
    const preferences = await read();
    expect(answer.body).to.deep.equal(preferences);
    expect(preferences.language).to.equal('fr');
    const { events } = preferences;
    expect(events['order.accepted']).to.include({ email: true, in_app: false });
    expect(events['order.filled']).to.include({ email: true, in_app: false });
    await change({ events: { 'order.filled': { in_app: true } } });
    expect((await read()).events['order.filled']).to.include({ in_app: true });
    expect((await read()).language).to.equal('fr');
    const entries = await listEntries(trading.container.db.knex, { client_id: me.id, limit: 5 });
    expect(entries[0]).to.include({ action: 'notification.preferences_changed' });
  });

  it('of security cannot be turned off, and nothing else of the request is kept then', async () => {
    for (const channel of ['email', 'in_app']) {
      const answer = await change({
        language: 'fr',
        events: { 'order.filled': { email: false }, 'security.new_device': { [channel]: false } },
      });
      expectProblem(answer, 422, 42210000);
      expect(answer.body.errors[0].field).to.equal(`events.security.new_device.${channel}`);
      expect(answer.body.detail).to.include('cannot be turned off');
    }
    expect(await read()).to.deep.nested.include({ language: 'en' });
    expect((await read()).events['order.filled']).to.include({ email: true });
    const { status } = await change({ events: { 'security.new_device': { webhook: false } } });
    expect(status).to.equal(200);
  });

  it('are as trade_confirm_email has it, for executions', async () => {
    const [key] = trading.accounts;
    const confirm = (choice: string) =>
      api.call('PATCH', '/v2/account/configurations', {
        as: key,
        body: { trade_confirm_email: choice },
      });
    await confirm('none');
    const { events } = await read(key);
    expect(events['order.filled']).to.include({ email: false, in_app: true });
    expect(events['order.partially_filled']).to.include({ email: false });
    expect(events['order.rejected']).to.include({ email: true });
    expect((await change({ events }, key)).status, 'what it has read').to.equal(200);
    const refused = await change({ events: { 'order.filled': { email: true } } }, key);
    expectProblem(refused, 422, 42210000);
    expect(refused.body.detail).to.include('trade_confirm_email');
    await confirm('all');
    expect((await read(key)).events['order.filled']).to.include({ email: true });
  });

  it('refuse what there is not', async () => {
    for (const body of [
      {},
      { language: 'de' },
      { events: { 'order.lost': { email: true } } },
      { events: { 'order.filled': { pigeon: true } } },
      { events: { 'order.filled': { email: 'no' } } },
      { events: { 'order.filled': {} } },
    ]) {
      expectProblem(await change(body), 422, 42210000);
    }
    expectProblem(await change({ language: 'fr' }, await readerOnly()), 403, 40310000);
  });

  const readerOnly = () => createPerson(trading, { scopes: ['read'] });
});
