import { expect } from 'chai';
import { activityId, parseActivityId, positionOf } from '../../src/activities/activity-id.js';
import { fillSchema, nonTradeSchema } from '../../src/activities/schema.js';
import { EXTERNAL_ACCOUNT, USD } from '../../src/ledger/house.js';
import { postJournals, type JournalEntry } from '../../src/ledger/post.js';
import { expectProblem, startApi, type Api } from '../support/api.js';
import { expectShape } from '../support/shape.js';
import { shares, startTrading, usd, type Trading } from '../support/trading.js';

type Activity = Record<string, string | null>;

describe("an account's activities", () => {
  let trading: Trading;
  let api: Api;

  beforeEach(async () => {
    trading = await startTrading(2, { FEE_BPS: '10' });
    api = await startApi(trading);
  });
  afterEach(async () => {
    await api.stop();
    await trading.stop();
  });

  const call = (query = '', account = 0) =>
    api.call('GET', `/v2/account/activities${query}`, { as: trading.accounts[account] });
  const list = async (query = '', account = 0): Promise<Activity[]> => {
    const { status, body } = await call(query, account);
    expect(status, JSON.stringify(body)).to.equal(200);
    for (const activity of body as Activity[]) {
      const schema = activity['activity_type'] === 'FILL' ? fillSchema : nonTradeSchema;
      expectShape(schema, activity);
    }
    return body as Activity[];
  };
  const types = async (query: string): Promise<string[]> =>
    (await list(query)).map((activity) => activity['activity_type']!);

  const post = (kind: JournalEntry['kind'], amount: bigint, assetId = USD, account = 0) =>
    trading.container.db.knex.transaction((trx) =>
      postJournals(trx, [
        {
          kind,
          lines: [
            { accountId: trading.accounts[account]!.account_id, assetId, amount },
            { accountId: EXTERNAL_ACCOUNT, assetId, amount: -amount },
          ],
        },
      ]),
    );

  const trade = async (qty: string, price = '100'): Promise<void> => {
    await trading.place({ account: 0, side: 'sell', qty, price });
    await trading.place({ account: 1, side: 'buy', qty, price });
    await trading.settle();
  };

  /** Pages through to the end, as SDKs do. */
  async function pages(query: string, size: number): Promise<Activity[]> {
    const all: Activity[] = [];
    for (let token = ''; ;) {
      const page = await list(`?${query}&page_size=${size}${token}`);
      all.push(...page);
      if (page.length < size) return all;
      token = `&page_token=${page.at(-1)!['id']!}`;
    }
  }

  it('have each side of an execution as a fill, and its fee', async () => {
    const sold = await trading.place({ account: 0, side: 'sell', qty: '10', price: '100' });
    const bought = await trading.place({ account: 1, side: 'buy', qty: '4', price: '101' });
    await trading.settle();
    const [fee, fill] = await list('?page_size=2');
    expect(fill).to.deep.include({
      activity_type: 'FILL',
      type: 'partial_fill',
      price: '100',
      qty: '4',
      side: 'sell',
      symbol: 'AAPL',
      leaves_qty: '6',
      cum_qty: '4',
      order_id: sold.id,
      order_status: 'partially_filled',
    });
    expect(Object.keys(fill!)).to.have.members([
      'id',
      'activity_type',
      'transaction_time',
      'type',
      'price',
      'qty',
      'side',
      'symbol',
      'leaves_qty',
      'cum_qty',
      'order_id',
      'order_status',
    ]);
    expect(fill!['id']!.slice(0, 17)).to.equal(fill!['transaction_time']!.replace(/\D/g, ''));
    expect(fee).to.include({
      activity_type: 'FEE',
      activity_sub_type: 'COM',
      net_amount: '-0.4',
      symbol: 'AAPL',
      order_id: sold.id,
      description: 'Fee for selling 4 AAPL',
      status: 'executed',
    });
    const [other] = await list('?activity_types=FILL', 1);
    expect(other).to.include({
      type: 'fill',
      side: 'buy',
      leaves_qty: '0',
      cum_qty: '4',
      order_id: bought.id,
      order_status: 'filled',
    });
  });

  it('have money and shares that came in and went out', async () => {
    await post('deposit', usd('50.25'));
    await post('withdrawal', -usd('20'));
    await post('adjustment', usd('0.01'));
    await post('adjustment', shares('3'), trading.container.catalog.find('KO')!.id);
    const activities = await list();
    const seen = activities.map((one) => [
      one['activity_type'],
      one['net_amount'],
      one['symbol'],
      one['qty'],
    ]);
    expect(seen).to.deep.equal([
      ['JNLS', '0', 'KO', '3'],
      ['JNLC', '0.01', null, null],
      ['CSW', '-20', null, null],
      ['CSD', '50.25', null, null],
      ['JNLS', '0', 'BTC/USD', '10'],
      ['JNLS', '0', 'MSFT', '1000'],
      ['JNLS', '0', 'AAPL', '1000'],
      ['CSD', '100000', null, null],
    ]);
    expect(activities[0]!['date']).to.equal(new Date().toISOString().slice(0, 10));
    const account = await api.call('GET', '/v2/account', { as: trading.accounts[0] });
    expect(account.body).to.include({ intraday_adjustments: '100030.26', cash: '100030.26' });
  });

  it('come once each however they are paged, also when they share a millisecond', async () => {
    await trade('1');
    await post('deposit', usd('1'));
    await post('deposit', usd('2'));
    for (let n = 0; n < 3; n += 1) {
      await trading.place({ account: 0, side: 'sell', qty: '1', price: '100' });
    }
    await trading.place({ account: 1, side: 'buy', qty: '3', price: '100' });
    await trading.settle(); // three executions in one pass: at the same time
    await post('withdrawal', -usd('1'));
    const all = await list('?direction=asc');
    expect(all.map((one) => one['activity_type']).join(' ')).to.equal(
      'CSD JNLS JNLS JNLS FILL FEE CSD CSD FILL FEE FILL FEE FILL FEE CSW',
    );
    const ids = all.map((one) => one['id']);
    expect(new Set(ids)).to.have.lengthOf(15);
    expect(ids).to.deep.equal([...ids].sort());
    for (const size of [1, 2, 3, 7, 14, 15, 16]) {
      expect(await pages('direction=asc', size), `asc ${size}`).to.deep.equal(all);
      expect(await pages('direction=desc', size), `desc ${size}`).to.deep.equal(all.toReversed());
    }
    const fees = all.filter((one) => one['activity_type'] === 'FEE');
    expect(await pages('activity_types=FEE&direction=asc', 1)).to.deep.equal(fees);
    const mixed = all.filter((one) => ['CSD', 'FILL'].includes(one['activity_type']!));
    expect(await pages('activity_types=CSD,fill&direction=asc', 2)).to.deep.equal(mixed);
  });

  it('can be asked for by type and category', async () => {
    await trade('1');
    expect(await types('/FILL')).to.deep.equal(['FILL']);
    expect(await types('/csd?direction=asc')).to.deep.equal(['CSD']);
    expect(await types('?activity_types=FEE,CSD')).to.deep.equal(['FEE', 'CSD']);
    expect(await types('?category=trade_activity')).to.deep.equal(['FILL']);
    expect(await types('?category=non_trade_activity')).to.deep.equal([
      'FEE',
      'JNLS',
      'JNLS',
      'JNLS',
      'CSD',
    ]);
    expect(await types('/DIV')).to.deep.equal([]);
    for (const type of ['SC', 'CIL', 'FXTRD', 'INTPNL', 'MEM', 'OCT', 'DIVWH', 'REO', 'CSR']) {
      expect(await types(`?activity_types=${type}`), type).to.deep.equal([]);
    }
    expect(await types('?activity_types=FEE&activity_types=CSD,FILL')).to.deep.equal([
      'FEE',
      'FILL',
      'CSD',
    ]);
  });

  it('can be asked for by the types that stand for several', async () => {
    await trade('1');
    await post('withdrawal', -usd('1'));
    expect(await types('?activity_types=TRANS')).to.deep.equal(['CSW', 'CSD']);
    expect(await types('/misc')).to.deep.equal(['FEE', 'JNLS', 'JNLS', 'JNLS']);
    expect(await types('?activity_types=TRANS,FILL')).to.deep.equal(['CSW', 'FILL', 'CSD']);
  });

  it('can be asked for by time', async () => {
    await trade('1');
    const [fill] = await list('/FILL');
    const at = fill!['transaction_time']!;
    const near = (ms: number) => new Date(new Date(at).getTime() + ms).toISOString();
    expect(await list(`/FILL?after=${at}`)).to.deep.equal([]);
    expect(await list(`/FILL?until=${at}`)).to.deep.equal([]);
    expect(await list(`/FILL?after=${near(-1)}&until=${near(1)}`)).to.deep.equal([fill]);
    expect(await types(`?after=${near(-1)}&activity_types=FILL,FEE`)).to.have.lengthOf(2);
    const today = at.slice(0, 10);
    expect(await list(`?date=${today}`)).to.deep.equal(await list());
    expect(await list(`?date=${encodeURIComponent(near(0))}`)).to.deep.equal(await list());
    expect(await list(`/FILL?date=${today}&until=${at}`)).to.deep.equal([]);
    expect(await list('?date=2020-01-01')).to.deep.equal([]);
    expect(await list('?until=2020-01-01')).to.deep.equal([]);
  });

  it('are found by time in a long history without reading all of it', async () => {
    await trade('1');
    const { knex } = trading.container.db;
    const { account_id: accountId } = trading.accounts[0]!;
    const { rows } = await knex.raw<{ rows: { found: bigint }[] }>(
      `with events as (
         insert into account_events (account_id, event_id, type, occurred_at)
         select ?, n, 'new', timestamptz '2030-01-01' + n * interval '1 second'
         from generate_series(10, 5000) n returning event_id)
       select count(*) as found from events`,
      [accountId],
    );
    expect(rows[0]!.found).to.equal(4_991n);
    const find = async (moment: string): Promise<bigint> => {
      const { rows: found } = await knex.raw<{ rows: { id: bigint }[] }>(
        'select first_event_at(?, ?) as id',
        [accountId, moment],
      );
      return found[0]!.id;
    };
    expect(await find('2020-01-01')).to.equal(1n);
    expect(await find('2030-01-01T00:16:40Z')).to.equal(1_000n);
    expect(await find('2030-01-01T00:16:40.001Z')).to.equal(1_001n);
    expect(await find('2040-01-01')).to.equal(5_001n);
  });

  it('refuse what they do not know, and cursors of somebody else', async () => {
    for (const query of [
      '?activity_types=FILL,PARTY',
      '?activity_types=FILL&category=trade_activity',
      '?category=all',
      '?page_size=101',
      '?page_size=0',
      '?direction=up',
      '?after=lately',
      '?page_token=1',
      '?page_token=20220202135509981::00000000-0000-8000-8000-000000000000',
      '/PARTY',
      '/FILL?activity_types=FILL',
    ]) {
      expectProblem(await call(query), 422, 42210000);
    }
    const [theirs] = await list('', 1);
    expectProblem(await call(`?page_token=${theirs!['id']!}`), 422, 42210000);
  });
});

describe("an activity's id", () => {
  const account = '0193a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b';
  const time = new Date('2026-11-23T01:02:03.004Z');

  it('tells time and position, and is read back', () => {
    for (const position of [
      positionOf(0n, 2n, 0n),
      positionOf(1n, 0n),
      positionOf(123_456_789n, 1n),
      positionOf(2n ** 60n - 1n, 2n, 2n ** 28n - 1n),
    ]) {
      const id = activityId(time, position, account);
      expect(id).to.match(
        /^20261123010203004::[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-/,
      );
      expect(parseActivityId(id, account)).to.equal(position);
      expect(parseActivityId(id, account.replace(/2b$/, '2c'))).to.equal(null);
    }
  });
});
