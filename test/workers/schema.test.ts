import { expect } from 'chai';
import knexFactory, { type Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { migrateToLatest, rollbackLast } from '../../src/commands/migrate.js';
import { seedAssets } from '../../src/commands/seed-assets.js';
import { connectDatabase } from '../../src/db.js';
import { USD } from '../../src/ledger/house.js';
import { createEmptyDatabase } from '../support/database.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('the schema', () => {
  let trading: Trading;
  let app: Knex;
  let owner: Knex;

  before(async () => {
    trading = await startTrading(2);
    app = trading.container.db.knex;
    owner = knexFactory({ client: 'pg', connection: trading.container.config.databaseUrl });
    await trading.place({ account: 0, side: 'sell', qty: '1', price: '150' });
    await trading.place({ account: 1, side: 'buy', qty: '1', price: '150' });
    await trading.settle();
  });
  after(async () => {
    await owner.destroy();
    await trading.stop();
  });

  /** The message of the error that it must end with. */
  const refused = async (work: PromiseLike<unknown>): Promise<string> => {
    try {
      await work;
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('it was not refused');
  };

  for (const table of [
    'executions',
    'journals',
    'postings',
    'account_events',
    'statements',
    'closing_prices',
    'ends_of_day',
    'client_documents',
    'client_reviews',
    'audit_entries',
    'audit_chain',
  ]) {
    it(`lets nobody rewrite ${table}`, async () => {
      for (const knex of [app, owner]) {
        expect(await refused(knex(table).delete())).to.match(/append-only|permission denied/);
        expect(await refused(knex.raw(`update ${table} set account_id = account_id`))).to.match(
          /append-only|permission denied|does not exist|can only be updated to DEFAULT/,
        );
        expect(await refused(knex.raw(`truncate ${table} cascade`))).to.match(
          /append-only|permission denied/,
        );
      }
    });
  }

  for (const table of ['orders', 'accounts', 'clients', 'assets', 'messages']) {
    it(`lets nobody delete from ${table}`, async () => {
      expect(await refused(app(table).delete())).to.match(/permission denied/);
      expect(await refused(owner(table).delete())).to.match(/never deleted/);
    });
  }

  it('lets the application change nothing about the terms of an order', async () => {
    for (const column of ['id', 'notional', 'limit_price', 'account_id', 'side']) {
      const update = app.raw(`update orders set ?? = ??`, [column, column]);
      expect(await refused(update), column).to.match(/permission denied/);
    }
  });

  it('refuses a journal that does not balance', async () => {
    const id = uuidv7();
    await app('journals').insert({ id, kind: 'adjustment', created_at: new Date() });
    const line = { journal_id: id, account_id: trading.accounts[0]!.account_id, asset_id: USD };
    const insert = app('postings').insert([
      { ...line, line: 0, amount: 5 },
      { ...line, line: 1, amount: -4 },
    ]);
    expect(await refused(insert)).to.match(/does not balance/);
  });

  it('refuses rows whose order, account, asset or journal does not exist', async () => {
    const [account, nobody] = [trading.accounts[0]!.account_id, uuidv7()];
    const now = new Date();
    const event = { event_id: 99, type: 'new', occurred_at: now };
    expect(await refused(app('account_events').insert({ ...event, account_id: nobody }))).to.match(
      /there is no row .* in accounts/,
    );
    expect(
      await refused(
        app('account_events').insert({ ...event, account_id: account, order_id: nobody }),
      ),
    ).to.match(/there is no row .* in orders/);
    const posting = { journal_id: nobody, line: 0, account_id: account, asset_id: USD, amount: 1 };
    expect(
      await refused(app('postings').insert([posting, { ...posting, line: 1, amount: -1 }])),
    ).to.match(/there is no row .* in journals/);
    expect(
      await refused(
        app('work_items').insert({
          shard: 0,
          kind: 'cancel',
          order_id: nobody,
          account_id: account,
          created_at: now,
        }),
      ),
    ).to.match(/there is no row .* in orders/);
  });

  it('keeps an account from holding more than it has', async () => {
    const { account_id: id } = trading.accounts[1]!;
    const overdraw = app('accounts').where({ id }).update({ cash_held: '9000000000000000' });
    expect(await refused(overdraw)).to.match(/accounts_check/);
  });

  it('goes down and up again', async () => {
    const database = await createEmptyDatabase();
    try {
      const applied = await migrateToLatest(database.url);
      const seeding = connectDatabase(database.url, 'test', 1);
      await seedAssets(seeding.knex, 16); // with money and shares in the books
      await seeding.close();
      expect(await rollbackLast(database.url)).to.have.length(applied.length);
      expect(await migrateToLatest(database.url)).to.deep.equal(applied);
      const db = connectDatabase(database.url, 'test', 1);
      expect(await db.knex('accounts').count('* as count').first()).to.deep.equal({ count: 7n });
      await db.close();
    } finally {
      database.drop();
    }
  });
});
