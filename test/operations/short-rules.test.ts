import { expect } from 'chai';
import { shorten } from '../../ops/prometheus/drill/shorten.js';

describe('the rules of the drill of alerts', () => {
  it('have every time divided, and compare with the same', () => {
    const rule = `
        expr: increase(a_total[10m]) > 300 and min_over_time(b[30m] offset 3h) > 3 * 3600
        for: 5m`;
    expect(shorten(rule, 20)).to.equal(`
        expr: increase(a_total[30000ms]) > 300 and min_over_time(b[90000ms] offset 540000ms) > 3 * 3600
        for: 15000ms`);
  });

  it('have the age of a transaction divided, which only time can make', () => {
    const rule = 'expr: max(brokerx_postgres_oldest_transaction_seconds) > 1800';
    expect(shorten(rule, 20)).to.equal(
      'expr: max(brokerx_postgres_oldest_transaction_seconds) > 90',
    );
  });

  it('keep enough of a window for a few scrapes, and steps of subqueries', () => {
    expect(shorten('rate(a_total[1m])', 20)).to.equal('rate(a_total[12000ms])');
    expect(shorten('deriv(b[5m:30s])', 20)).to.equal('deriv(b[15000ms:1500ms])');
    expect(shorten('max_over_time(b[30m:])', 20)).to.equal('max_over_time(b[90000ms:])');
  });
});
