import { expect } from 'chai';
import { createPerson, expectProblem, startApi, type Api } from '../support/api.js';
import { EventLog } from '../support/event-log.js';
import { EventStreamClient } from '../support/event-stream-client.js';
import { eventually } from '../support/eventually.js';
import { startTrading, type Trading } from '../support/trading.js';

const PATH = '/v2/events/trades';
const HOUR_MS = 3_600_000;

describe('the trade events at /v2/events/trades', () => {
  let trading: Trading;
  let api: Api;
  const clients: EventStreamClient[] = [];

  before(async () => {
    trading = await startTrading(5);
    api = await startApi(trading);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  /** As the Go client asks: it says nothing about what it accepts. */
  async function open(
    account: number,
    query = '',
    headers: Record<string, string> = {},
    url = api.url,
  ) {
    const key = trading.accounts[account]!;
    const all = { Accept: '*/*', ...headers };
    const client = await EventStreamClient.open(url, key, query, all, PATH);
    clients.push(client);
    return client;
  }
  const place = (account: number) => trading.place({ account, side: 'buy', qty: '1', price: '1' });
  const soon = (check: () => void) =>
    eventually(async () => {
      check();
      await Promise.resolve();
    });
  const got = (client: EventStreamClient, ids: number[]) =>
    soon(() => expect(client.ids).to.deep.equal(ids));
  const completed = (client: EventStreamClient) =>
    soon(() => expect(client.isComplete).to.equal(true));

  /** An order's events 1 to 5 at 00:00, 01:00, ... of a day in the past. */
  async function pastOf(account: number): Promise<void> {
    const order = await place(account);
    await new EventLog(trading, order.accountId, order.id).write(4);
    await trading.asOwner(`alter table account_events disable trigger user;
      update account_events set occurred_at = timestamptz '2026-11-02T00:00:00.123Z'
        + (event_id - 1) * interval '1 hour' where account_id = '${order.accountId}';
      alter table account_events enable trigger user;`);
  }
  const at = (hour: number, fraction = '.123'): string => `2026-11-02T0${hour}:00:00${fraction}Z`;

  it('are those of /v2/events, an event in one line, with a text as id and the time as at', async () => {
    const client = await open(0);
    expect(client.answer.headers).to.include({ 'content-type': 'text/event-stream' });
    await place(0);
    await trading.settle();
    await got(client, [1, 2]);
    const { body } = await api.call('GET', '/v2/events', { as: trading.accounts[0] });
    const events = body.events as { event_id: number; timestamp: string }[];
    expect(client.events.map(({ data }) => JSON.parse(data!) as unknown)).to.deep.equal(
      events.map((one) => ({ ...one, event_id: String(one.event_id), at: one.timestamp })),
    );
    expect(client.events.map(({ event }) => event)).to.deep.equal([undefined, undefined]);
  });

  it('leave out what is not about an order', async () => {
    const { account_id: accountId } = trading.accounts[1]!;
    const { knex } = trading.container.db;
    await knex('accounts').where({ id: accountId }).increment('last_event_id', 1);
    await knex('account_events').insert({
      account_id: accountId,
      event_id: 1,
      type: 'new',
      occurred_at: new Date(),
    });
    const order = await place(1);
    await new EventLog(trading, accountId, order.id).write(1);
    await got(await open(1, '?since_id=0'), [2, 3]);
  });

  it('begin and end where they were asked to, by id', async () => {
    await pastOf(2);
    const some = await open(2, '?since_id=1&until_id=3');
    await completed(some);
    expect(some.ids).to.deep.equal([2, 3]);
    await got(await open(2, '?since_id=1', { 'Last-Event-ID': '3' }), [4, 5]);
    const nothing = await open(2, '?since_id=3&until_id=3');
    expect(nothing.answer.statusCode).to.equal(200);
    await completed(nothing);
    expect(nothing.ids).to.deep.equal([]);
  });

  it('begin and end where they were asked to, by time, both included', async () => {
    const range = async (query: string): Promise<number[]> => {
      const client = await open(2, query);
      await completed(client);
      return client.ids;
    };
    expect(await range(`?since=${at(1)}&until=${at(3)}`)).to.deep.equal([2, 3, 4]);
    expect(await range(`?since=${at(1)}&until=${at(3, '.122999999')}`)).to.deep.equal([2, 3]);
    expect(await range(`?since=2026-11-02&until=2026-11-03&since_id=3`)).to.deep.equal([4, 5]);
    expect(await range(`?since=${at(0)}&until_id=2`)).to.deep.equal([1, 2]);
    expect(await range(`?since=2026-10-01&until=2026-10-02`)).to.deep.equal([]);
  });

  it('go on without a duplicate after the last time and a nanosecond, as the Go client asks', async () => {
    await got(await open(2, `?since=${at(3, '.123000001')}`), [5]);
    await got(await open(2, `?since=${at(3, '.123')}`), [4, 5]);
  });

  it('end by themselves when until comes', async () => {
    const until = new Date(Date.now() + 200);
    const client = await open(3, `?until=${until.toISOString()}`);
    await place(3);
    await got(client, [1]);
    await completed(client);
    expect(Date.now()).to.be.greaterThan(until.getTime());
    const later = await open(3, `?until=${new Date(Date.now() + 1_000 * HOUR_MS).toISOString()}`);
    await place(3);
    await got(later, [2]);
    expect(later.isEnded).to.equal(false);
  });

  for (const query of ['?since=lately', '?until=1', '?since_id=x', '?since_id=99', '?limit=1']) {
    it(`refuse ${query}`, async () => {
      expectProblem(
        await api.call('GET', PATH + query, { as: trading.accounts[4] }),
        422,
        42210000,
      );
    });
  }

  it('are cut off when the server stops, so that clients connect again', async () => {
    const stopping = await startApi(trading);
    const client = await open(4, '', {}, stopping.url);
    stopping.streams.stop();
    await soon(() => expect(client.isEnded).to.equal(true));
    expect(client.isComplete).to.equal(false);
    await stopping.stop();
  });

  it('end in good order, and with nothing that looks like an event, when the key is revoked', async () => {
    const person = await createPerson(trading, { accountId: trading.accounts[4]!.account_id });
    const client = await EventStreamClient.open(api.url, person, '', {}, PATH);
    const { knex } = trading.container.db;
    await knex('api_keys').where({ id: person.key_id }).update({ revoked_at: knex.fn.now() });
    await completed(client);
    expect(client.events).to.deep.equal([]);
    expect(client.lines.at(-1)).to.match(/^: .*revoked/);
  });
});
