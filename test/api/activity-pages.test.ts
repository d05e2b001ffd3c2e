import { expect } from 'chai';
import { activityId, parseActivityId, positionOf } from '../../src/activities/activity-id.js';
import { ActivityCalls } from '../support/activity-calls.js';
import { startApi, type Api } from '../support/api.js';
import { startTrading, usd, type Trading } from '../support/trading.js';

describe("pages of an account's activities", () => {
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

  it('come once each however they are paged, also when they share a millisecond', async () => {
    await activities.trade('1');
    await activities.post('deposit', usd('1'));
    await activities.post('deposit', usd('2'));
    for (let n = 0; n < 3; n += 1) {
      await trading.place({ account: 0, side: 'sell', qty: '1', price: '100' });
    }
    await trading.place({ account: 1, side: 'buy', qty: '3', price: '100' });
    await trading.settle(); // three executions in one pass: at the same time
    await activities.post('withdrawal', -usd('1'));
    const all = await activities.list('?direction=asc');
    expect(all.map((one) => one['activity_type']).join(' ')).to.equal(
      'CSD JNLS JNLS JNLS FILL FEE CSD CSD FILL FEE FILL FEE FILL FEE CSW',
    );
    const ids = all.map((one) => one['id']);
    expect(new Set(ids)).to.have.lengthOf(15);
    expect(ids).to.deep.equal([...ids].sort());
    for (const size of [1, 2, 3, 7, 14, 15, 16]) {
      expect(await activities.pages('direction=asc', size), `asc ${size}`).to.deep.equal(all);
      expect(await activities.pages('direction=desc', size), `desc ${size}`).to.deep.equal(
        all.toReversed(),
      );
    }
    const fees = all.filter((one) => one['activity_type'] === 'FEE');
    expect(await activities.pages('activity_types=FEE&direction=asc', 1)).to.deep.equal(fees);
    const mixed = all.filter((one) => ['CSD', 'FILL'].includes(one['activity_type']!));
    expect(await activities.pages('activity_types=CSD,fill&direction=asc', 2)).to.deep.equal(mixed);
  });

  it('come once each in the hour that comes twice, by ids of then and of before', async () => {
    for (let n = 0; n < 4; n += 1) await activities.trade('1');
    const { account_id: accountId } = trading.accounts[0]!;
    await trading.asOwner(`alter table account_events disable trigger user;
      update account_events set occurred_at = timestamptz '2026-11-01T05:10:00Z' + n * interval '25 minutes'
      from (select event_id as id, row_number() over (order by event_id) - 1 as n
        from account_events where account_id = '${accountId}' and fee > 0) fills
      where account_id = '${accountId}' and event_id = id;
      alter table account_events enable trigger user;`);
    const all = await activities.list('?activity_types=FILL&direction=asc');
    expect(all.map((one) => one['id']!.slice(8, 12))).to.deep.equal([
      '0110',
      '0135',
      '0100',
      '0125',
    ]);
    expect(await activities.pages('activity_types=FILL&direction=asc', 1)).to.deep.equal(all);
    expect(await activities.pages('activity_types=FILL', 1)).to.deep.equal(all.toReversed());
    const before = all[1]!['transaction_time']!.replace(/\D/g, '') + all[1]!['id']!.slice(17);
    const token = `direction=asc&page_token=${before}`;
    expect(await activities.list(`?activity_types=FILL&${token}`)).to.deep.equal(all.slice(2));
  });

  it('come all at once when a day is asked for', async () => {
    for (let n = 0; n < 101; n += 1) await activities.post('deposit', usd('1'));
    const date = new Date().toISOString().slice(0, 10);
    expect(await activities.list()).to.have.lengthOf(100);
    expect(await activities.list(`?date=${date}`)).to.have.lengthOf(105);
    expect(await activities.list(`?date=${date}&page_size=102`)).to.have.lengthOf(102);
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
        /^20261122200203004::[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-/,
      );
      expect(parseActivityId(id, account)).to.equal(position);
      expect(parseActivityId(id, account.replace(/2b$/, '2c'))).to.equal(null);
    }
  });
});
