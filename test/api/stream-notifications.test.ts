import { decode, encode } from '@msgpack/msgpack';
import { expect } from 'chai';
import { notifyAll, type Notice } from '../../src/notifications/notify.js';
import { startApi, type Api } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { clientOf } from '../support/funding.js';
import { authenticate, StreamClient } from '../support/stream-client.js';
import { startTrading, type Trading } from '../support/trading.js';

const BOTH = { streams: ['trade_updates', 'notifications'] };

describe('notifications on the WebSocket /stream', () => {
  let trading: Trading;
  let api: Api;
  /** Each test has an account of its own. */
  let account = -1;
  const clients: StreamClient[] = [];

  before(async () => {
    trading = await startTrading(6);
    api = await startApi(trading);
  });
  beforeEach(() => {
    account += 1;
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const listen = async (data: object): Promise<StreamClient> => {
    const client = await StreamClient.listen(api.url, trading.accounts[account]!, data);
    clients.push(client);
    return client;
  };
  const tell = async (count = 1): Promise<void> => {
    const clientId = await clientOf(trading, account);
    const data = { at: new Date().toISOString(), ip: '::1', device: 'a phone', detail: null };
    const notice: Notice = { clientId, event: 'security.new_device', data };
    await trading.container.db.knex.transaction((trx) =>
      notifyAll(trx, Array<Notice>(count).fill(notice), new Date()),
    );
    trading.container.nudgeNotifications();
  };
  const numbersOf = ({ notifications }: StreamClient): number[] =>
    notifications.map(({ number }) => number as number);
  const until = (check: () => void, withinMs?: number): Promise<void> =>
    eventually(async () => {
      check();
      await Promise.resolve();
    }, withinMs);

  it('come beside trade updates, at once, and as they are in the list', async () => {
    await tell(); // before it listens
    const client = await listen(BOTH);
    expect(client.messages.at(-1)).to.deep.equal({ stream: 'listening', data: BOTH });
    await tell();
    const order = await trading.place({ account, side: 'buy', qty: '1', price: '1' });
    await until(() => {
      expect(numbersOf(client)).to.deep.equal([2]);
      expect(client.events.map(({ order: { id } }) => id as string)).to.deep.equal([order.id]);
    }, 1_500);
    const key = trading.accounts[account]!;
    const { body } = await api.call('GET', '/v2/notifications?limit=1', { as: key });
    expect(client.notifications).to.deep.equal(body.notifications);
  });

  it('come to nobody who did not ask for them, and no trade updates with them alone', async () => {
    const trades = await listen({ streams: ['trade_updates'] });
    const alone = await listen({ streams: ['notifications'] });
    await tell();
    await trading.place({ account, side: 'buy', qty: '1', price: '1' });
    await until(() => {
      expect(numbersOf(alone)).to.deep.equal([1]);
      expect(trades.events).to.have.lengthOf(1);
    });
    expect(trades.notifications).to.deep.equal([]);
    expect(alone.events).to.deep.equal([]);
  });

  it('go on after notifications_since_id, all of them, once and in order', async () => {
    const COUNT = 1_200;
    await tell(COUNT);
    const first = await listen({ streams: ['notifications'], notifications_since_id: 0 });
    const all = Array.from({ length: COUNT }, (_, index) => index + 1);
    await until(() => expect(numbersOf(first)).to.deep.equal(all), 5_000);
    await first.ask({ action: 'listen', data: { streams: [] } });
    await tell(2);
    const since = { notifications_since_id: String(COUNT) };
    await first.ask({ action: 'listen', data: { streams: ['notifications'], ...since } });
    await until(() => expect(numbersOf(first)).to.deep.equal([...all, COUNT + 1, COUNT + 2]));
  });

  it('each stream keeps its place when the other one is asked for', async () => {
    const client = await listen({ streams: ['notifications'], notifications_since_id: 0 });
    await tell();
    await until(() => expect(numbersOf(client)).to.deep.equal([1]));
    await client.ask({ action: 'listen', data: { ...BOTH, since_id: 0 } });
    await tell();
    await until(() => expect(numbersOf(client)).to.deep.equal([1, 2]));
  });

  it('are refused from a number that there is not, and what was listened to goes on', async () => {
    const client = await listen({ streams: ['trade_updates'] });
    for (const [value, says] of [
      [99, 'notifications_since_id was 99'],
      ['x', 'data.notifications_since_id must be'],
    ] as const) {
      const answer = await client.ask({
        action: 'listen',
        data: { ...BOTH, since_id: 0, notifications_since_id: value },
      });
      expect(answer.stream).to.equal('error');
      expect(answer.data.error_message).to.include(says);
    }
    await tell();
    await trading.place({ account, side: 'buy', qty: '1', price: '1' });
    await until(() => expect(client.events).to.have.lengthOf(1));
    expect(client.notifications).to.deep.equal([]);
  });

  it('come as MessagePack to who speaks it', async () => {
    const client = await StreamClient.connect(api.url, {}, decode);
    clients.push(client);
    await client.ask(Buffer.from(encode(authenticate(trading.accounts[account]!))));
    await client.ask(
      Buffer.from(encode({ action: 'listen', data: { streams: ['notifications'] } })),
    );
    await tell();
    await until(() => expect(numbersOf(client)).to.deep.equal([1]));
    expect(new Set(client.binary)).to.deep.equal(new Set([true]));
  });
});
