import { expect } from 'chai';
import { formatDecimal, QTY_SCALE } from '../../src/domain/money.js';
import { expectBooksInOrder } from '../support/books-in-order.js';
import { startTrading } from '../support/trading.js';

describe('a thousand random orders and cancellations', () => {
  it('leave no hold on closed orders, no work, a proven ledger and an uncrossed book', async () => {
    const trading = await startTrading(6, { FEE_BPS: '7' });
    const { db, intake, catalog } = trading.container;
    const seed = Math.floor(Math.random() * 2 ** 31);
    let state = seed;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (state >>> 8) % below;
    };
    try {
      for (let round = 0; round < 20; round++) {
        await Promise.allSettled(
          Array.from({ length: 50 }, async () => {
            const order = await trading.place({
              account: random(6),
              side: random(2) === 0 ? 'buy' : 'sell',
              symbol: (['AAPL', 'BTC/USD'] as const)[random(2)]!,
              qty: formatDecimal(BigInt(1 + random(3_000_000_000)), QTY_SCALE),
              ...(random(10) > 0 && { price: (149 + random(300) / 100).toFixed(2) }),
              timeInForce: (['day', 'gtc', 'ioc', 'fok'] as const)[random(4)]!,
            });
            if (random(4) === 0) await intake.cancel(order.accountId, order.id);
          }),
        );
        await trading.settle();
      }
      const note = `seed ${seed}`;
      expect(await db.knex('work_items'), note).to.have.length(0);
      const open = await db.knex('orders').whereNull('closed_at').count('* as count').first();
      const resting = await db.knex('book_orders').count('* as count').first();
      expect(open, note).to.deep.equal(resting);
      await expectBooksInOrder(db.knex, [], 0).catch((error: unknown) => {
        throw new Error(note, { cause: error });
      });
      for (const { id } of catalog.all()) {
        const best = async (side: string) =>
          (await db
            .knex('book_orders')
            .where({ asset_id: id, side })
            .min('rank as rank')
            .first()) as {
            rank: bigint | null;
          };
        const [bid, ask] = [(await best('buy')).rank, (await best('sell')).rank];
        if (bid !== null && ask !== null) expect(-bid < ask, note).to.equal(true);
      }
    } finally {
      await trading.stop();
    }
  });
});
