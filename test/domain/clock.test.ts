import { expect } from 'chai';
import fc from 'fast-check';
import { marketClock, newYorkMidnight, newYorkTime, nyseSession } from '../../src/domain/clock.js';

const DAY_MS = 86_400_000;

const daysOf = (year: number): Date[] => {
  const first = Date.UTC(year, 0, 1);
  const days = (Date.UTC(year + 1, 0, 1) - first) / DAY_MS;
  return Array.from({ length: days }, (_, n) => new Date(first + n * DAY_MS));
};
const isWeekend = (day: Date) => day.getUTCDay() % 6 === 0;
const text = (day: Date) => day.toISOString().slice(0, 10);

const nyse = (now: string) => {
  const { isOpen, nextOpen, nextClose } = marketClock(new Date(now), 'nyse');
  return [isOpen, nextOpen.toISOString(), nextClose.toISOString()];
};

// As published by the exchange (nyse.com, "Holidays & Trading Hours").
const CALENDARS: Record<number, { holidays: string; early: string }> = {
  2022: { holidays: '01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26', early: '11-25' },
  2023: {
    holidays: '01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25',
    early: '07-03 11-24',
  },
  2024: {
    holidays: '01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25',
    early: '07-03 11-29 12-24',
  },
  2025: {
    holidays: '01-01 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25',
    early: '07-03 11-28 12-24',
  },
  2026: {
    holidays: '01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25',
    early: '11-27 12-24',
  },
  2027: {
    holidays: '01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24',
    early: '11-26',
  },
};

describe('the market clock', () => {
  for (const [year, { holidays, early }] of Object.entries(CALENDARS)) {
    it(`knows the holidays and early closes of ${year}`, () => {
      const weekdays = daysOf(Number(year)).filter((day) => !isWeekend(day));
      const closed = weekdays.filter((day) => nyseSession(day) === null);
      const short = weekdays.filter((day) => {
        const session = nyseSession(day);
        return session && session.close.getTime() - session.open.getTime() === 3.5 * 3_600_000;
      });

      expect(closed.map(text)).to.deep.equal(holidays.split(' ').map((day) => `${year}-${day}`));
      expect(short.map(text)).to.deep.equal(early.split(' ').map((day) => `${year}-${day}`));
    });
  }

  it('has no session on any weekend day', () => {
    for (const day of daysOf(2026).filter(isWeekend)) expect(nyseSession(day)).to.equal(null);
  });

  for (const [when, now, expected] of [
    [
      'in summer, during the day',
      '2026-07-15T15:00:00Z',
      [true, '2026-07-16T13:30', '2026-07-15T20:00'],
    ],
    [
      'in winter, during the day',
      '2026-01-14T15:00:00Z',
      [true, '2026-01-15T14:30', '2026-01-14T21:00'],
    ],
    [
      'before the opening',
      '2026-01-14T14:29:59.999Z',
      [false, '2026-01-14T14:30', '2026-01-14T21:00'],
    ],
    ['at the opening', '2026-01-14T14:30:00Z', [true, '2026-01-15T14:30', '2026-01-14T21:00']],
    [
      'in the last moment',
      '2026-01-14T20:59:59.999Z',
      [true, '2026-01-15T14:30', '2026-01-14T21:00'],
    ],
    ['at the close', '2026-01-14T21:00:00Z', [false, '2026-01-15T14:30', '2026-01-15T21:00']],
    [
      'in the evening, already tomorrow in UTC',
      '2026-01-15T03:00:00Z',
      [false, '2026-01-15T14:30', '2026-01-15T21:00'],
    ],
    [
      'on a Friday evening',
      '2026-01-09T22:00:00Z',
      [false, '2026-01-12T14:30', '2026-01-12T21:00'],
    ],
    ['on a Sunday', '2026-01-11T15:00:00Z', [false, '2026-01-12T14:30', '2026-01-12T21:00']],
    [
      'on Friday before a long weekend',
      '2026-01-16T15:00:00Z',
      [true, '2026-01-20T14:30', '2026-01-16T21:00'],
    ],
    ['on Good Friday', '2026-04-03T15:00:00Z', [false, '2026-04-06T13:30', '2026-04-06T20:00']],
    [
      'on the day after Thanksgiving, at noon',
      '2026-11-27T17:00:00Z',
      [true, '2026-11-30T14:30', '2026-11-27T18:00'],
    ],
    [
      'on the day after Thanksgiving, at 13:00',
      '2026-11-27T18:00:00Z',
      [false, '2026-11-30T14:30', '2026-11-30T21:00'],
    ],
    [
      'over the change to summer time',
      '2026-03-06T22:00:00Z',
      [false, '2026-03-09T13:30', '2026-03-09T20:00'],
    ],
    [
      'over the change to winter time',
      '2026-10-30T19:00:00Z',
      [true, '2026-11-02T14:30', '2026-10-30T20:00'],
    ],
    ['over New Year', '2026-12-31T22:00:00Z', [false, '2027-01-04T14:30', '2027-01-04T21:00']],
  ] as const) {
    it(`is right ${when}`, () => {
      const [isOpen, nextOpen, nextClose] = expected;
      expect(nyse(now)).to.deep.equal([isOpen, `${nextOpen}:00.000Z`, `${nextClose}:00.000Z`]);
    });
  }

  it('opens at 09:30 in New York on every trading day', () => {
    const newYork = new Intl.DateTimeFormat('en-GB', {
      timeZone: 'America/New_York',
      dateStyle: 'short',
      timeStyle: 'short',
    });
    for (const day of daysOf(2025)) {
      const open = nyseSession(day)?.open;
      if (!open) continue;
      const [year, month, date] = text(day).split('-');
      expect(newYork.format(open)).to.equal(`${date}/${month}/${year}, 09:30`);
    }
  });

  it('tells what the clocks of New York show, in summer, in winter and when they change', () => {
    for (const [moment, shown] of [
      ['2026-07-01T00:00:00.000Z', '2026-06-30T20:00:00.000Z'],
      ['2026-12-31T23:59:59.999Z', '2026-12-31T18:59:59.999Z'],
      ['2026-03-08T06:59:59.999Z', '2026-03-08T01:59:59.999Z'],
      ['2026-03-08T07:00:00.000Z', '2026-03-08T03:00:00.000Z'],
      ['2026-11-01T05:30:00.000Z', '2026-11-01T01:30:00.000Z'],
      ['2026-11-01T06:30:00.000Z', '2026-11-01T01:30:00.000Z'],
    ] as const) {
      expect(newYorkTime(new Date(moment)).toISOString(), moment).to.equal(shown);
    }
  });

  it('knows when each day begins in New York', () => {
    const clock = new Intl.DateTimeFormat('en-CA', {
      timeZone: 'America/New_York',
      dateStyle: 'short',
      timeStyle: 'medium',
      hourCycle: 'h23',
    });
    for (const day of daysOf(2026)) {
      expect(clock.format(newYorkMidnight(day)), text(day)).to.equal(`${text(day)}, 00:00:00`);
    }
  });

  it('always looks ahead: what comes next is in the future, in the right order, within days', () => {
    const now = fc.date({
      min: new Date('2022-01-01'),
      max: new Date('2060-01-01'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(now, (moment) => {
        const { isOpen, nextOpen, nextClose } = marketClock(moment, 'nyse');
        expect(nextOpen.getTime()).to.be.greaterThan(moment.getTime());
        expect(nextClose.getTime()).to.be.greaterThan(moment.getTime());
        expect(nextClose < nextOpen, 'closes before it opens again').to.equal(isOpen);
        expect(nextOpen.getTime() - moment.getTime()).to.be.lessThan(5 * DAY_MS);
        expect(marketClock(nextOpen, 'nyse').isOpen).to.equal(true);
        expect(marketClock(nextClose, 'nyse').isOpen).to.equal(false);
      }),
    );
  });

  it('is always open where it never closes, in sessions that end at midnight UTC', () => {
    for (const now of [
      '2026-01-10T00:00:00.000Z',
      '2026-01-10T12:00:00Z',
      '2026-01-10T23:59:59.999Z',
    ]) {
      expect(marketClock(new Date(now), 'always')).to.deep.equal({
        isOpen: true,
        nextOpen: new Date('2026-01-11T00:00:00Z'),
        nextClose: new Date('2026-01-11T00:00:00Z'),
      });
    }
  });
});
