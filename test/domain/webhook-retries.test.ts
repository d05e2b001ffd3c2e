import { expect } from 'chai';
import { nextAttemptAt, readRetryAfter } from '../../src/domain/webhook-retries.js';

const NOW = new Date('2026-11-27T10:00:00Z');
const TERMS = {
  firstPauseMs: 5_000,
  pauseMaxMs: 3_600_000,
  retryAfterMaxMs: 600_000,
  giveUpMs: 0,
  disableMs: 0,
};

describe('the pause before a webhook is tried again', () => {
  const pause = (attempts: number, random = 0, retryAfterMs: number | null = null): number =>
    nextAttemptAt(TERMS, { attempts, random, retryAfterMs }, NOW).getTime() - NOW.getTime();

  it('doubles with every failure up to an hour', () => {
    expect([1, 2, 3, 10, 11, 500].map((attempts) => pause(attempts))).to.deep.equal([
      5_000, 10_000, 20_000, 2_560_000, 3_600_000, 3_600_000,
    ]);
  });

  it('is shorter by up to half of it at random', () => {
    expect(pause(1, 0.5)).to.equal(3_750);
    expect(pause(1, 0.999)).to.be.within(2_500, 2_510);
  });

  it('is what the receiver asks for where that is longer, within bounds', () => {
    expect(pause(1, 0, 60_000)).to.equal(60_000);
    expect(pause(1, 0, 1_000)).to.equal(5_000);
    expect(pause(1, 0, 86_400_000)).to.equal(600_000);
  });

  it('is asked for in seconds or as a date, with 429 and 503 only', () => {
    expect(readRetryAfter(429, '120', NOW)).to.equal(120_000);
    expect(readRetryAfter(503, 'Fri, 27 Nov 2026 10:01:00 GMT', NOW)).to.equal(60_000);
    expect(readRetryAfter(503, 'Fri, 27 Nov 2026 09:00:00 GMT', NOW)).to.equal(0);
    expect(readRetryAfter(503, 'soon', NOW)).to.equal(null);
    expect(readRetryAfter(503, undefined, NOW)).to.equal(null);
    expect(readRetryAfter(500, '120', NOW)).to.equal(null);
  });
});
