import { expect } from 'chai';
import { newId } from '../../src/ids.js';
import type { Told } from '../../src/notifications/events.js';
import { notify } from '../../src/notifications/notify.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { EventStreamClient } from '../support/event-stream-client.js';
import { eventually } from '../support/eventually.js';
import { toldTo } from '../support/told.js';
import { startTrading, type Trading } from '../support/trading.js';

type Person = Awaited<ReturnType<typeof createPerson>>;

interface Shown {
  id: string;
  number: number;
  event: string;
  read_at: string | null;
}

const newDevice = (device: string): Told => ({
  event: 'security.new_device',
  data: { at: new Date().toISOString(), ip: '::1', device, detail: null },
});

describe('notifications in the app', () => {
  let trading: Trading;
  let api: Api;
  let me: Person;

  before(async () => {
    trading = await startTrading(2);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });
  beforeEach(async () => {
    me = await createPerson(trading);
  });

  const tell = ({ id: clientId }: { id: string }, told: Told = newDevice('a phone')) =>
    trading.container.db.knex.transaction((trx) => notify(trx, { clientId, ...told }));
  const get = (query = '', as: Person = me): Promise<Answer> =>
    api.call('GET', `/v2/notifications${query}`, { as });
  const shown = async (query = ''): Promise<Shown[]> =>
    ((await get(query)).body as { notifications: Shown[] }).notifications;
  const unread = async (): Promise<number> => (await get('/unread_count')).body.unread as number;
  const post = (path: string, body?: object, as: Person = me): Promise<Answer> =>
    api.call('POST', `/v2/notifications/${path}`, { as, ...(body && { body }) });

  it('are listed page by page, the newest first', async () => {
    for (const device of ['a', 'b', 'c']) await tell(me, newDevice(device));
    const first = await get('?limit=2');
    const { notifications, next_page_token: token } = first.body as {
      notifications: Shown[];
      next_page_token: string;
    };
    expect(notifications.map(({ number }) => number)).to.deep.equal([3, 2]);
    const [message] = notifications;
    expect(message).to.deep.include({ event: 'security.new_device', read_at: null });
    expect(message).to.deep.nested.include({ 'data.device': 'c' });
    const next = await get(`?limit=2&page_token=${token}`);
    expect(next.body.notifications).to.have.length(1);
    expect(next.body.next_page_token).to.equal(null);
    expectProblem(await get('?page_token=x'), 422, 42210000);
  });

  it('are read one by one, or up to one', async () => {
    for (const device of ['a', 'b', 'c']) await tell(me, newDevice(device));
    const [third, second, first] = await shown();
    expect(await unread()).to.equal(3);
    const answer = await post(`${second!.id}/read`);
    expect(answer.body).to.include({ id: second!.id }).and.have.property('read_at').a('string');
    const again = await post(`${second!.id}/read`);
    expect(again.body.read_at, 'the first time counts').to.equal(answer.body.read_at);
    expect((await shown('?unread=true')).map(({ id }) => id)).to.deep.equal([third!.id, first!.id]);
    expect((await post('read_all', { up_to: second!.id })).body).to.deep.equal({ unread: 1 });
    expect((await shown('?unread=true')).map(({ id }) => id)).to.deep.equal([third!.id]);
  });

  it("are nobody else's", async () => {
    const other = await createPerson(trading);
    await tell(other);
    const [message] = await toldTo(trading, other.id);
    expect(await shown()).to.deep.equal([]);
    const [theirs, missing] = [await post(`${message!.id}/read`), await post(`${newId()}/read`)];
    expectProblem(theirs, 404, 40410000);
    expect(theirs.body.detail).to.equal(missing.body.detail);
    expectProblem(await post('read_all', { up_to: message!.id }), 404, 40410000);
    expectProblem(await post('x/read'), 422, 42210000);
    expect((await get('/unread_count', other)).body).to.deep.equal({ unread: 1 });
  });

  it('that are not wanted there are not listed, and leave no gap', async () => {
    const off = { events: { 'account.suspended': { in_app: false } } };
    await api.call('PUT', '/v2/notifications/preferences', { as: me, body: off });
    const suspended = { at: new Date().toISOString(), reason: null };
    await tell(me);
    await tell(me, { event: 'account.suspended', data: suspended });
    await tell(me);
    expect((await shown()).map(({ number }) => number)).to.deep.equal([2, 1]);
    const hidden = (await toldTo(trading, me.id))[1]!;
    expect(hidden).to.include({ event: 'account.suspended', hasMail: true });
    expectProblem(await post(`${hidden.id}/read`), 404, 40410000);
  });

  it("are lines of the account's log, too, with what they tell", async () => {
    const { account_id: accountId, client_id: id, ...key } = await seeded(0);
    const { body: before } = await api.call('GET', '/v2/events?limit=500', { as: key });
    await tell({ id });
    const since = `since_id=${before.next_since_id as number}`;
    const { body } = await api.call('GET', `/v2/events?${since}`, { as: key });
    expect(body.events).to.have.length(1);
    expect(body.events[0]).to.deep.include({ event: 'security.new_device', order: null });
    expect(body.events[0].data).to.include({ device: 'a phone' });
    const [listed] = (await api.call('GET', '/v2/notifications', { as: key })).body.notifications;
    expect(listed).to.include({ account_id: accountId });
  });

  describe('live', () => {
    const open = async (key: Parameters<typeof EventStreamClient.open>[1], headers = {}) =>
      EventStreamClient.open(api.url, key, '', headers, '/v2/notifications');

    it('come as server-sent events, at once, and go on after Last-Event-ID', async () => {
      const { client_id: id, ...key } = await seeded(1);
      await tell({ id });
      const stream = await open(key, { 'Last-Event-ID': '0' });
      await eventually(async () => {
        expect(stream.ids).to.deep.equal([1]);
        await Promise.resolve();
      });
      await tell({ id }, newDevice('live'));
      trading.container.nudgeNotifications();
      await eventually(async () => {
        expect(stream.ids).to.deep.equal([1, 2]);
        await Promise.resolve();
      }, 1_500);
      stream.close();
      const { event, data } = stream.events[1]!;
      expect(event).to.equal('security.new_device');
      expect(JSON.parse(data!)).to.deep.nested.include({ number: 2, 'data.device': 'live' });

      await tell({ id });
      const resumed = await open(key, { 'Last-Event-ID': '2' });
      await eventually(async () => {
        expect(resumed.ids).to.deep.equal([3]);
        await Promise.resolve();
      });
      resumed.close();
      const path = '/v2/notifications?since_id=3&until_id=3';
      const headers = { Accept: 'text/event-stream' };
      expect((await api.call('GET', path, { as: key, headers })).status).to.equal(204);
    });

    it('need an account, and a number that there is', async () => {
      const headers = { Accept: 'text/event-stream' };
      expectProblem(await api.call('GET', '/v2/notifications', { as: me, headers }), 403, 40310000);
      const [key] = trading.accounts;
      const path = '/v2/notifications?since_id=999';
      expectProblem(await api.call('GET', path, { as: key, headers }), 422, 42210000);
    });
  });

  const seeded = async (index: number) => {
    const account = trading.accounts[index]!;
    const row = await trading.container.db
      .knex('accounts')
      .where({ id: account.account_id })
      .first<{ client_id: string }>('client_id');
    return { ...account, ...row };
  };
});
