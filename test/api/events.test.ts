import { expect } from 'chai';
import { eventsSchema } from '../../src/streams/schema.js';
import { expectProblem, startApi, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

interface WireEvent {
  event_id: number;
  event: string;
  price: string | null;
  qty: string | null;
  position_qty: string | null;
  order: {
    id: string;
    status: string;
    filled_qty: string;
    version: number;
    filled_at: string | null;
  };
}

describe('the event log', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(3);
    api = await startApi(trading);
    await trading.place({ account: 1, side: 'sell', qty: '3', price: '150' });
    await trading.place({ account: 0, side: 'buy', qty: '10', price: '151' });
    await trading.settle();
    await trading.place({ account: 1, side: 'sell', qty: '7', price: '149' });
    await trading.settle();
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const read = async (query = '', account = 0) => {
    const answer = await api.call('GET', `/v2/events${query}`, { as: trading.accounts[account] });
    return answer.body as { events: WireEvent[]; next_since_id: number };
  };

  it('has the shape that the documentation says', async () => {
    expect(eventsSchema.validate(await read(), { convert: false }).error?.message).to.equal(
      undefined,
    );
  });

  it('counts from 1 without a gap and ends with the fill', async () => {
    const { events, next_since_id: next } = await read();
    expect(events.map(({ event_id: id }) => id)).to.deep.equal(events.map((_, index) => index + 1));
    expect(next).to.equal(events.length);
    const last = events.at(-1)!;
    expect(last).to.include({ event: 'fill', price: '151', qty: '7', position_qty: '1010' });
  });

  it('shows the order as each event left it, not as it is now', async () => {
    const { events } = await read();
    const partial = events.find(({ event }) => event === 'partial_fill')!;
    expect(partial).to.include({ price: '150', qty: '3', position_qty: '1003' });
    expect(partial.order).to.include({
      status: 'partially_filled',
      filled_qty: '3',
      filled_at: null,
    });
    const fill = events.find(({ event }) => event === 'fill')!;
    expect(fill.order).to.include({ id: partial.order.id, status: 'filled', filled_qty: '10' });
    expect(fill.order.version).to.be.greaterThan(partial.order.version);
    expect(fill.order.filled_at).to.match(/Z$/);
  });

  it('reads on where a page ended, one event at a time if need be', async () => {
    const { events: all } = await read();
    const seen: WireEvent[] = [];
    let since = 0;
    for (;;) {
      const page = await read(`?since_id=${since}&limit=1`);
      if (page.events.length === 0) break;
      seen.push(...page.events);
      since = page.next_since_id;
    }
    expect(seen).to.deep.equal(all);
    expect((await read(`?since_id=${since}`)).next_since_id).to.equal(since);
  });

  it("shows nobody else's events", async () => {
    const mine = new Set((await read('', 0)).events.map(({ order }) => order.id));
    for (const { order } of (await read('', 1)).events) expect(mine.has(order.id)).to.equal(false);
    expect((await read('', 2)).events).to.deep.equal([]);
  });

  for (const query of [
    'limit=0',
    'limit=501',
    'limit=x',
    'since_id=-1',
    'since_id=1e3',
    'since_id=9'.padEnd(30, '9'),
  ]) {
    it(`refuses ${query}`, async () => {
      const answer = await api.call('GET', `/v2/events?${query}`, { as: trading.accounts[0] });
      expectProblem(answer, 422, 42210000);
    });
  }
});
