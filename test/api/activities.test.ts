import { expect } from 'chai';
import { newYorkTime } from '../../src/domain/clock.js';
import { ActivityCalls } from '../support/activity-calls.js';
import { expectProblem, startApi, type Api } from '../support/api.js';
import { shares, startTrading, usd, type Trading } from '../support/trading.js';

describe("an account's activities", () => {
  let trading: Trading;
  let api: Api;
  let activities: ActivityCalls;

  beforeEach(async () => {
    trading = await startTrading(2, { FEE_BPS: '10' });
    api = await startApi(trading);
    activities = new ActivityCalls(trading, api);
  });
  afterEach(async () => {
    await api.stop();
    await trading.stop();
  });

  it('have each side of an execution as a fill, and its fee', async () => {
    const sold = await trading.place({ account: 0, side: 'sell', qty: '10', price: '100' });
    const bought = await trading.place({ account: 1, side: 'buy', qty: '4', price: '101' });
    await trading.settle();
    const [fee, fill] = await activities.list('?page_size=2');
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
    const at = newYorkTime(new Date(fill!['transaction_time']!)).toISOString();
    expect(fill!['id']!.slice(0, 17)).to.equal(at.replace(/\D/g, ''));
    expect(fee).to.include({
      activity_type: 'FEE',
      activity_sub_type: 'COM',
      net_amount: '-0.4',
      symbol: 'AAPL',
      order_id: sold.id,
      description: 'Fee for selling 4 AAPL',
      status: 'executed',
    });
    const [other] = await activities.list('?activity_types=FILL', 1);
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
    await activities.post('deposit', usd('50.25'));
    await activities.post('withdrawal', -usd('20'));
    await activities.post('adjustment', usd('0.01'));
    await activities.post('adjustment', shares('3'), trading.container.catalog.find('KO')!.id);
    const all = await activities.list();
    const seen = all.map((one) => [
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
    expect(all[0]!['date']).to.equal(new Date().toISOString().slice(0, 10));
    const account = await api.call('GET', '/v2/account', { as: trading.accounts[0] });
    expect(account.body).to.include({ intraday_adjustments: '100030.26', cash: '100030.26' });
  });

  it('can be asked for by type and category', async () => {
    await activities.trade('1');
    expect(await activities.types('/FILL')).to.deep.equal(['FILL']);
    expect(await activities.types('/csd?direction=asc')).to.deep.equal(['CSD']);
    expect(await activities.types('?activity_types=FEE,CSD')).to.deep.equal(['FEE', 'CSD']);
    expect(await activities.types('?category=trade_activity')).to.deep.equal(['FILL']);
    expect(await activities.types('?category=non_trade_activity')).to.deep.equal([
      'FEE',
      'JNLS',
      'JNLS',
      'JNLS',
      'CSD',
    ]);
    expect(await activities.types('/DIV')).to.deep.equal([]);
    for (const type of ['SC', 'CIL', 'FXTRD', 'INTPNL', 'MEM', 'OCT', 'DIVWH', 'REO', 'CSR']) {
      expect(await activities.types(`?activity_types=${type}`), type).to.deep.equal([]);
    }
    expect(await activities.types('?activity_types=FEE&activity_types=CSD,FILL')).to.deep.equal([
      'FEE',
      'FILL',
      'CSD',
    ]);
  });

  it('can be asked for by the types that stand for several', async () => {
    await activities.trade('1');
    await activities.post('withdrawal', -usd('1'));
    expect(await activities.types('?activity_types=TRANS')).to.deep.equal(['CSW', 'CSD']);
    expect(await activities.types('/misc')).to.deep.equal(['FEE', 'JNLS', 'JNLS', 'JNLS']);
    expect(await activities.types('?activity_types=TRANS,FILL')).to.deep.equal([
      'CSW',
      'FILL',
      'CSD',
    ]);
  });

  it('can be asked for by time', async () => {
    await activities.trade('1');
    const [fill] = await activities.list('/FILL');
    const at = fill!['transaction_time']!;
    const near = (ms: number) => new Date(new Date(at).getTime() + ms).toISOString();
    expect(await activities.list(`/FILL?after=${at}`)).to.deep.equal([]);
    expect(await activities.list(`/FILL?until=${at}`)).to.deep.equal([]);
    expect(await activities.list(`/FILL?after=${near(-1)}&until=${near(1)}`)).to.deep.equal([fill]);
    expect(await activities.types(`?after=${near(-1)}&activity_types=FILL,FEE`)).to.have.lengthOf(
      2,
    );
    const today = at.slice(0, 10);
    expect(await activities.list(`?date=${today}`)).to.deep.equal(await activities.list());
    expect(await activities.list(`?date=${encodeURIComponent(near(0))}`)).to.deep.equal(
      await activities.list(),
    );
    expect(await activities.list(`/FILL?date=${today}&until=${at}`)).to.deep.equal([]);
    expect(await activities.list('?date=2020-01-01')).to.deep.equal([]);
    expect(await activities.list('?until=2020-01-01')).to.deep.equal([]);
  });

  it('are found by time in a long history without reading all of it', async () => {
    await activities.trade('1');
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
      '?page_size=1001&date=2026-11-01',
      '?page_size=0',
      '?direction=up',
      '?after=lately',
      '?page_token=1',
      '?page_token=20220202135509981::00000000-0000-8000-8000-000000000000',
      '/PARTY',
      '/FILL?activity_types=FILL',
    ]) {
      expectProblem(await activities.call(query), 422, 42210000);
    }
    const [theirs] = await activities.list('', 1);
    expectProblem(await activities.call(`?page_token=${theirs!['id']!}`), 422, 42210000);
  });
});
