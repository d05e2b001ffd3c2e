import { expect } from 'chai';
import { ageOn, birthFault } from '../../src/domain/age.js';

describe('age', () => {
  const ages: [birth: string, today: string, years: number][] = [
    ['2008-11-26', '2026-11-26', 18],
    ['2008-11-27', '2026-11-26', 17],
    ['2008-11-25', '2026-11-26', 18],
    ['2008-12-01', '2026-11-30', 17],
    ['2008-10-31', '2026-11-01', 18],
    ['2000-01-01', '2000-12-31', 0],
    ['2000-12-31', '2001-01-01', 0],
    ['2004-02-29', '2022-02-28', 17], // no leap year: the birthday is on 1 March
    ['2004-02-29', '2022-03-01', 18],
    ['2004-02-29', '2024-02-29', 20],
    ['1906-11-26', '2026-11-26', 120],
    ['2026-11-27', '2026-11-26', -1],
  ];
  for (const [birth, today, years] of ages) {
    it(`of somebody born on ${birth} is ${years} on ${today}`, () => {
      expect(ageOn(birth, today)).to.equal(years);
    });
  }

  const faults: [birth: string, fault: RegExp | null][] = [
    ['2008-11-26', null],
    ['2008-11-27', /younger than 18/],
    ['2026-11-26', /younger than 18/],
    ['2026-11-27', /future/],
    ['1906-11-26', null],
    ['1905-11-27', null],
    ['1905-11-26', /more than 120/],
  ];
  for (const [birth, fault] of faults) {
    it(`of a client born on ${birth} is ${fault ? 'refused' : 'accepted'} on 2026-11-26`, () => {
      if (fault) expect(birthFault(birth, '2026-11-26')).to.match(fault);
      else expect(birthFault(birth, '2026-11-26')).to.equal(null);
    });
  }
});
