import { expect } from 'chai';
import { changePreferences } from '../../src/notifications/preferences.js';
import { clientOf } from '../support/funding.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('an order that came to the market', () => {
  let trading: Trading;

  before(async () => (trading = await startTrading(2)));
  after(() => trading.stop());

  it('is noted for those who want to be told of it, and for nobody else', async () => {
    const { db, acceptanceWishes } = trading.container;
    const accountId = trading.accounts[0]!.account_id;
    const receiver = { clientId: await clientOf(trading, 0), accountId };
    const facts = async (): Promise<string[]> => {
      for (const account of [0, 1]) {
        await trading.place({ account, side: 'buy', qty: '1', price: '10' });
      }
      await trading.settle();
      return db.knex('notifications').pluck<string[]>('account_id');
    };
    expect(await facts()).to.deep.equal([]);

    const choice = { events: { 'order.accepted': { in_app: true } } };
    await db.knex.transaction((trx) => changePreferences(trx, receiver, choice, new Date()));
    await acceptanceWishes.refresh();
    expect(await facts()).to.deep.equal([accountId]);
  });
});
