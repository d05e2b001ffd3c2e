import { expect } from 'chai';
import { findRoundTrips } from '../../src/domain/round-trips.js';
import { findWashTrades, type AccountLink } from '../../src/domain/wash-trades.js';
import { THRESHOLDS, trade, WINDOW } from './surveillance-cases.js';

const link = (...shared: string[]): AccountLink[] => [{ accountIds: ['A', 'B'], shared }];
const OWN = link('client');
const HOME = link('address');
const together = { apart: 5 };

describe('wash trades across linked accounts', () => {
  const find = (trades: Parameters<typeof findWashTrades>[0], links: AccountLink[]) =>
    findWashTrades(trades, links, WINDOW, THRESHOLDS);

  it('are one trade of orders entered together between accounts of one client', () => {
    const [finding, ...others] = find([trade('B', 'A', 10, together)], OWN);
    expect(others).to.deep.equal([]);
    expect(finding).to.include({ kind: 'wash_trade', rule: 'linked_accounts', assetId: 'AAPL' });
    expect(finding!.accountIds).to.deep.equal(['A', 'B']);
    expect(finding!.evidence).to.have.lengthOf(1);
    expect(finding!.figures).to.include({ trades: 1, qty: '10', value: '1500', matched: 1 });
  });

  it('are not one trade that met in the book by chance, but two of them', () => {
    expect(find([trade('A', 'B', 10)], OWN)).to.have.lengthOf(0);
    expect(find([trade('A', 'B', 10), trade('A', 'B', 40)], OWN)).to.have.lengthOf(1);
  });

  it('take two orders entered together between people who only share something', () => {
    expect(find([trade('A', 'B', 10, together)], HOME)).to.have.lengthOf(0);
    const two = [trade('A', 'B', 10, together), trade('A', 'B', 20, together)];
    expect(find(two, HOME)).to.have.lengthOf(1);
  });

  it('or trades back and forth, while buying from a relative again and again is none', () => {
    const sameWay = [10, 20, 30, 40].map((at) => trade('A', 'B', at));
    expect(find(sameWay, HOME)).to.have.lengthOf(0);
    const bothWays = [trade('A', 'B', 10), trade('B', 'A', 20), trade('A', 'B', 30)];
    expect(find(bothWays, HOME)).to.have.lengthOf(1);
    expect(find(bothWays.slice(1), HOME)).to.have.lengthOf(0);
  });

  it('are not between people who share nothing', () => {
    const trades = [10, 20, 30].map((at) => trade('A', 'B', at, together));
    expect(find(trades, [])).to.have.lengthOf(0);
  });

  it('belong to the window in which the last of them is', () => {
    const before = [trade('A', 'B', -60, together), trade('A', 'B', -10, together)];
    expect(find(before, HOME)).to.have.lengthOf(0);
    expect(find([...before, trade('B', 'A', 5)], HOME)[0]!.evidence).to.have.lengthOf(3);
  });

  it('are found for each asset by itself', () => {
    const apart = [trade('A', 'B', 10), trade('A', 'B', 20, { assetId: 'MSFT' })];
    expect(find(apart, OWN)).to.have.lengthOf(0);
  });

  it('are of orders of about the same size when they count as entered together', () => {
    const large = trade('A', 'B', 10, together);
    const partial = { ...large, sellOrder: { ...large.sellOrder, qty: large.qty * 2n } };
    expect(find([partial], OWN)).to.have.lengthOf(0);
  });
});

describe('shares that go around', () => {
  const find = (trades: Parameters<typeof findRoundTrips>[0]) => findRoundTrips(trades, WINDOW);
  const ring = (at: number, more = {}) => [
    trade('A', 'B', at, more),
    trade('B', 'C', at + 5, more),
    trade('C', 'A', at + 10, more),
  ];

  it('through three hands once are found when all orders were entered together', () => {
    const [finding] = find(ring(10, together));
    expect(finding).to.include({ kind: 'wash_trade', rule: 'round_trip' });
    expect(finding!.accountIds).to.deep.equal(['A', 'B', 'C']);
    expect(find(ring(10))).to.have.lengthOf(0);
    expect(
      find([...ring(10), ...ring(30)].map((t) => ({ ...t, buyerTrades: 2, sellerTrades: 2 }))),
    ).to.have.lengthOf(1);
  });

  it('between two are found the second time', () => {
    const round = (at: number) => [
      trade('A', 'B', at, { buyerTrades: 4, sellerTrades: 4 }),
      trade('B', 'A', at + 5, { buyerTrades: 4, sellerTrades: 4 }),
    ];
    expect(find(round(10))).to.have.lengthOf(0);
    expect(find([...round(10), ...round(30)])).to.have.lengthOf(1);
  });

  it('are not those of somebody who trades with everybody', () => {
    const busy = { ...together, sellerTrades: 10, buyerTrades: 10 };
    expect(find(ring(10, busy))).to.have.lengthOf(0);
  });

  it('come back as the same quantity and at about the same price', () => {
    const [out, on] = ring(10, together);
    const back = (more: object) => find([out!, on!, trade('C', 'A', 20, { ...together, ...more })]);
    expect(back({})).to.have.lengthOf(1);
    expect(back({ qty: 9n })).to.have.lengthOf(0);
    expect(back({ price: 1_520_000n })).to.have.lengthOf(0);
  });

  it('take a bounded time, however many ways there are', () => {
    const names = Array.from({ length: 40 }, (_, n) => `T${n}`);
    const many = Array.from({ length: 5_000 }, (_, n) =>
      trade(names[n % 40]!, names[(n * 7 + 3) % 40]!, n / 100, {
        sellerTrades: 999,
        buyerTrades: 999,
      }),
    );
    const start = performance.now();
    find(many);
    expect(performance.now() - start).to.be.below(5_000);
  });
});
