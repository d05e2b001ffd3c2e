import { expect } from 'chai';
import { decideBand, type BandFacts, type BandState } from '../../src/domain/band-state.js';
import { nyseSession } from '../../src/domain/clock.js';
import { parseDecimal, PRICE_SCALE } from '../../src/domain/money.js';

const usd = (text: string): bigint => parseDecimal(text, PRICE_SCALE);
const START = new Date('2026-03-02T16:00:00Z');
const after = (seconds: number): Date => new Date(START.getTime() + seconds * 1_000);

const factsOf = (more: Partial<BandFacts> = {}): BandFacts => ({
  now: START,
  terms: { class: 'us_equity', priceIncrement: usd('0.01'), bandBps: 500 },
  hours: null,
  price: usd('100'),
  mean: null,
  best: { bid: usd('99'), ask: usd('101') },
  stoppedAt: { upper: null, lower: null },
  lastTradeAt: null,
  haltId: null,
  ...more,
});
const begun = (more: Partial<BandFacts> = {}): BandState => decideBand(null, factsOf(more)).state;
const PRESSED = { bid: usd('105'), ask: null };

describe('the state of price bands', () => {
  it('begins around the price, and stays as it is while nothing happens', () => {
    const state = begun();
    expect(state).to.include({ reference: usd('100'), lower: usd('95'), upper: usd('105') });
    const later = decideBand(state, factsOf({ now: after(3_600), price: usd('104') }));
    expect(later).to.deep.equal({ state, act: null });
  });

  it('follows the trades, by a whole percent at least and twice a minute at most', () => {
    const at = (seconds: number, mean: string) =>
      decideBand(begun(), factsOf({ now: after(seconds), mean: usd(mean) })).state;
    expect(at(29, '102').reference).to.equal(usd('100'));
    expect(at(60, '100.99').reference).to.equal(usd('100'));
    expect(at(30, '102')).to.include({
      reference: usd('102'),
      lower: usd('96.9'),
      upper: usd('107.1'),
    });
    expect(at(30, '102').movedAt).to.deep.equal(after(30));
  });

  it('becomes a limit state, and after 15 seconds in it a halt, but not when it ends before', () => {
    const limit = decideBand(begun(), factsOf({ now: after(1), best: PRESSED })).state;
    expect(limit).to.include({ limitEdge: 'upper', upper: usd('105') });
    const still = factsOf({ now: after(15), best: PRESSED, mean: usd('104') });
    expect(decideBand(limit, still)).to.deep.equal({ state: limit, act: null });
    expect(decideBand(limit, { ...still, now: after(16) })).to.deep.equal({
      state: limit,
      act: 'halt',
    });
    expect(decideBand(limit, factsOf({ now: after(14) })).state.limitEdge).to.equal(null);
    const turned = decideBand(
      limit,
      factsOf({ now: after(14), best: { bid: null, ask: usd('95') } }),
    );
    expect(turned.state).to.deep.include({ limitEdge: 'lower', limitSince: after(14) });
  });

  it('is a limit state when orders were stopped, until somebody trades again', () => {
    const beyond = { bid: null, ask: usd('106') };
    const stopped = { upper: after(1), lower: null };
    const state = (more: Partial<BandFacts>) =>
      decideBand(begun(), factsOf({ now: after(2), best: beyond, ...more })).state.limitEdge;
    expect(state({})).to.equal(null);
    expect(state({ stoppedAt: stopped })).to.equal('upper');
    expect(state({ stoppedAt: stopped, lastTradeAt: after(1) }), 'in the same pass').to.equal(
      'upper',
    );
    expect(state({ stoppedAt: stopped, lastTradeAt: after(2) })).to.equal(null);
  });

  it('goes on around the edge after its halt, and leaves the halts of others alone', () => {
    const halted: BandState = {
      ...begun(),
      ...{ limitEdge: 'upper', limitSince: START, haltId: 'ours', haltedUntil: after(300) },
    };
    const at = (seconds: number, haltId: string | null) =>
      decideBand(halted, factsOf({ now: after(seconds), haltId, best: PRESSED }));
    expect(at(299, 'ours')).to.deep.equal({ state: halted, act: null });
    const over = { reference: usd('105'), lower: usd('99.75'), limitEdge: null, haltId: null };
    expect(at(300, 'ours').act).to.equal('lift');
    expect(at(300, 'ours').state).to.include(over);
    expect(at(10, null).act, 'staff have lifted it').to.equal(null);
    expect(at(10, null).state).to.include(over);
    expect(at(400, 'theirs').act, 'staff have taken it over').to.equal(null);
    const theirs = decideBand(begun(), factsOf({ haltId: 'theirs', best: PRESSED }));
    expect(theirs.state.limitEdge, 'nothing presses while nothing trades').to.equal(null);
  });

  it('begins a session at the price of the last close, and presses only while it is open', () => {
    const hours = (day: string, lastClose: string) => ({
      session: nyseSession(new Date(`${day}T00:00:00Z`)),
      lastClose: new Date(lastClose),
    });
    const monday = hours('2026-03-02', '2026-02-27T21:00:00Z');
    const state = begun({ hours: monday });
    const closed = { now: new Date('2026-03-02T21:00:01Z'), price: usd('110'), best: PRESSED };
    const evening = hours('2026-03-02', '2026-03-02T21:00:00Z');
    const next = decideBand(state, factsOf({ ...closed, hours: evening }));
    // Doubled, as they will be at the open.
    expect(next.state).to.include({
      reference: usd('110'),
      lower: usd('99'),
      upper: usd('121'),
      limitEdge: null,
    });
    const noon = { hours: hours('2026-03-03', '2026-03-02T21:00:00Z'), price: usd('112') };
    const later = decideBand(
      next.state,
      factsOf({ ...noon, now: new Date('2026-03-03T17:00:00Z') }),
    );
    expect(later.state).to.include({ reference: usd('110'), lower: usd('104.5') });
  });
});
