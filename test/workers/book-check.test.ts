import { expect } from 'chai';
import winston from 'winston';
import { bookFaults } from '../../src/metrics.js';
import { startTrading, type Trading } from '../support/trading.js';
import { runUpkeep } from '../support/upkeep.js';

describe('the check of the books', () => {
  let trading: Trading;

  before(async () => {
    trading = await startTrading(2);
    for (const [symbol, low, bid, ask] of [
      ['AAPL', '148', '149', '151'],
      ['MSFT', '408', '409', '411'],
    ] as const) {
      await trading.place({ account: 0, side: 'buy', qty: '3', price: bid, symbol });
      await trading.place({ account: 0, side: 'buy', qty: '2', price: low, symbol });
      await trading.place({ account: 1, side: 'sell', qty: '3', price: ask, symbol });
    }
    await trading.settle();
    await trading.place({ account: 1, side: 'sell', qty: '1', price: '149' }); // leaves a part
    await trading.settle();
    await trading.asOwner('create table saved as table book_orders');
  });
  after(() => trading.stop());
  afterEach(() =>
    trading.asOwner(`
      delete from trading_blocks; delete from book_orders; insert into book_orders table saved;
      update orders set status = 'new', closed_at = null where status = 'canceled'`),
  );

  const halted = async (): Promise<{ symbol: string; reason: string }[]> => {
    await runUpkeep('book-check', trading, { log: winston.createLogger({ silent: true }) });
    return await trading.container.db
      .knex('trading_blocks')
      .join('assets', 'assets.id', 'target')
      .where({ kind: 'halt' })
      .select<{ symbol: string; reason: string }[]>('symbol', 'reason');
  };
  const faults = async () =>
    Object.fromEntries(
      (await bookFaults.get()).values.map(({ labels, value }) => [labels['kind'], value]),
    );
  const ofApple = `(select id from assets where symbol = 'AAPL')`;

  it('finds nothing in books that trade', async () => {
    expect(await halted()).to.deep.equal([]);
    expect(await faults()).to.deep.equal({ crossed: 0, mismatched: 0 });
  });

  const PLANTED: readonly (readonly [what: string, sql: string, reason: string])[] = [
    [
      'a bid at the ask',
      `update book_orders set rank = 1490000 where side = 'sell' and asset_id = ${ofApple}`,
      'crossed',
    ],
    [
      'more than is open of an order',
      `update book_orders set remaining = remaining + 1
       where side = 'sell' and asset_id = ${ofApple}`,
      'mismatched',
    ],
    [
      'a better price than the order has',
      `update book_orders set rank = rank - 100
       where side = 'buy' and asset_id = ${ofApple} and rank = -1490000`,
      'mismatched',
    ],
    [
      'an order that has ended',
      `update orders set status = 'canceled', hold = 0, closed_at = now()
       where asset_id = ${ofApple} and side = 'sell' and status = 'new'`,
      'mismatched',
    ],
    [
      "somebody else's order",
      `update book_orders set account_id = (select account_id from book_orders
         where side = 'buy' and asset_id = ${ofApple} limit 1)
       where side = 'sell' and asset_id = ${ofApple}`,
      'mismatched',
    ],
  ];
  for (const [what, sql, kind] of PLANTED) {
    it(`halts the asset whose book has ${what}, and no other`, async () => {
      await trading.asOwner(sql);
      const [halt, ...others] = await halted();
      expect(others).to.deep.equal([]);
      expect(halt?.symbol).to.equal('AAPL');
      expect(halt?.reason).to.contain(kind);
      expect((await faults())[kind]).to.equal(1);
    });
  }

  it('halts again what staff let trade while the fault is there, and tells when it is gone', async () => {
    await trading.asOwner(PLANTED[1]![1]);
    expect(await halted()).to.have.lengthOf(1);
    await trading.container.db.knex('trading_blocks').delete();
    expect(await halted()).to.have.lengthOf(1);
    await trading.asOwner(PLANTED[1]![1].replace('+ 1', '- 1'));
    await trading.container.db.knex('trading_blocks').delete();
    expect(await halted()).to.deep.equal([]);
    expect(await faults()).to.deep.equal({ crossed: 0, mismatched: 0 });
  });

  it('lets the other assets trade on, and refuses orders for the halted one', async () => {
    await trading.asOwner(PLANTED[0]![1]);
    await halted();
    const msft = await trading.place({
      account: 1,
      side: 'sell',
      qty: '1',
      price: '409',
      symbol: 'MSFT',
    });
    await trading.settle();
    expect((await trading.order(msft)).status).to.equal('filled');
    const refused = await trading
      .place({ account: 1, side: 'sell', qty: '1', price: '149' })
      .catch((error: unknown) => error);
    expect(refused).to.be.an('error').with.nested.property('details.reason', 'instrument_halted');
  });
});
