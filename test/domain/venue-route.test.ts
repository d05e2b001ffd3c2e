import { expect } from 'chai';
import type { Fill } from '../../src/domain/match.js';
import { judgeReport, type RouteReport, type RouteTerms } from '../../src/domain/venue-route.js';
import { goesToVenue, type RoutableOrder } from '../../src/domain/venue-routing.js';

const ROUTE: RouteTerms = {
  status: 'open',
  symbol: 'AAPL',
  side: 'buy',
  qty: 10n,
  limitPrice: 100n,
  filledQty: 4n,
};
const FILL: RouteReport = {
  type: 'fill',
  symbol: 'AAPL',
  side: 'buy',
  price: 100n,
  qty: 6n,
  totalQty: null,
};
const DONE: RouteReport = { ...FILL, type: 'done', price: null, qty: null, totalQty: 4n };

describe('a report of the external venue', () => {
  it('is booked when it fits what was routed', () => {
    expect(judgeReport(ROUTE, FILL)).to.deep.equal({ isBooked: true, ends: null, fault: null });
    expect(
      judgeReport({ ...ROUTE, side: 'sell' }, { ...FILL, side: 'sell', price: 101n }),
    ).to.include({
      isBooked: true,
    });
  });

  it('ends the route when it is the last', () => {
    expect(judgeReport(ROUTE, DONE)).to.deep.equal({ isBooked: false, ends: 'done', fault: null });
    expect(judgeReport({ ...ROUTE, filledQty: 0n }, { ...DONE, type: 'rejected' })).to.deep.equal({
      isBooked: false,
      ends: 'rejected',
      fault: null,
    });
  });

  const faults: [string, Partial<RouteTerms>, Partial<RouteReport>, string][] = [
    ['comes after the end', { status: 'done' }, {}, 'after_the_end'],
    ['comes after staff gave it up', { status: 'closed' }, {}, 'after_the_end'],
    ['is about another asset', {}, { symbol: 'MSFT' }, 'another_order'],
    ['is about the other side', {}, { side: 'sell' }, 'another_order'],
    ['buys above the limit', {}, { price: 101n }, 'worse_than_limit'],
    ['has no price', {}, { price: 0n }, 'worse_than_limit'],
    ['trades more than is left', {}, { qty: 7n }, 'more_than_routed'],
    ['trades nothing', {}, { qty: 0n }, 'more_than_routed'],
  ];
  for (const [what, route, report, fault] of faults) {
    it(`is not booked when it ${what}`, () => {
      const verdict = judgeReport({ ...ROUTE, ...route }, { ...FILL, ...report });
      expect(verdict).to.deep.equal({ isBooked: false, ends: null, fault });
    });
  }

  it('is not booked when it sells below the limit', () => {
    const sold = { ...FILL, side: 'sell', price: 99n };
    expect(judgeReport({ ...ROUTE, side: 'sell' }, sold).fault).to.equal('worse_than_limit');
  });

  it('ends the route also when it contradicts what was booked', () => {
    expect(judgeReport(ROUTE, { ...DONE, totalQty: 5n })).to.deep.equal({
      isBooked: false,
      ends: 'done',
      fault: 'another_total',
    });
    expect(judgeReport(ROUTE, { ...DONE, type: 'rejected' })).to.deep.equal({
      isBooked: false,
      ends: 'rejected',
      fault: 'rejected_after_fill',
    });
  });
});

describe('the rest of an order', () => {
  const order: RoutableOrder = {
    side: 'buy',
    orderClass: '',
    timeInForce: 'day',
    bound: 100n,
    price: 100n,
  };
  const rests = { outcome: 'resting', reason: null, fills: [] as Fill[] } as const;
  const ended = (reason: 'no_liquidity' | 'ioc_rest' | 'self_trade') =>
    ({ outcome: 'canceled', reason, fills: [] as Fill[] }) as const;

  it('goes to the venue when there was too little to trade with', () => {
    expect(goesToVenue(order, ended('no_liquidity'))).to.equal(true);
    expect(goesToVenue({ ...order, timeInForce: 'ioc' }, ended('ioc_rest'))).to.equal(true);
  });

  it('goes there when its price is through the asset’s, and rests otherwise', () => {
    expect(goesToVenue({ ...order, bound: 101n }, rests)).to.equal(true);
    expect(goesToVenue(order, rests)).to.equal(false);
    expect(goesToVenue({ ...order, bound: 99n }, rests)).to.equal(false);
    expect(goesToVenue({ ...order, side: 'sell', bound: 101n }, rests)).to.equal(false);
    expect(goesToVenue({ ...order, side: 'sell', bound: 99n }, rests)).to.equal(true);
  });

  it('stays when it met an own order, or belongs together, or is for whole or for an auction', () => {
    expect(goesToVenue(order, ended('self_trade'))).to.equal(false);
    expect(goesToVenue({ ...order, orderClass: 'bracket' }, rests)).to.equal(false);
    for (const timeInForce of ['fok', 'opg', 'cls']) {
      expect(goesToVenue({ ...order, timeInForce }, ended('ioc_rest'))).to.equal(false);
    }
    expect(goesToVenue(order, { outcome: 'filled', reason: null, fills: [] })).to.equal(false);
  });
});
