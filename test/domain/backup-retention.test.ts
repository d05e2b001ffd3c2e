import { expect } from 'chai';
import fc from 'fast-check';
import { backupsToKeep, type Retention } from '../../src/domain/backup-retention.js';

const texts = (kept: readonly Date[]): string[] => kept.map((time) => time.toISOString());
const times = (...list: string[]): Date[] => list.map((text) => new Date(text));
const NONE: Retention = { daily: 0, weekly: 0, monthly: 0 };

describe('which backups are kept', () => {
  it('keeps the newest of each of the last days', () => {
    const kept = backupsToKeep(
      times(
        '2026-11-27T18:00:00Z',
        '2026-11-27T06:00:00Z',
        '2026-11-26T23:59:59Z',
        '2026-11-26T00:00:00Z',
        '2026-11-25T12:00:00Z',
      ),
      { ...NONE, daily: 2 },
    );
    expect(texts(kept)).to.deep.equal(['2026-11-27T18:00:00.000Z', '2026-11-26T23:59:59.000Z']);
  });

  it('begins a week on Monday and a month on its first day', () => {
    const sunday = '2026-11-29T12:00:00.000Z';
    const monday = '2026-11-30T12:00:00.000Z';
    const december = '2026-12-01T12:00:00.000Z';
    const all = times(sunday, monday, december);
    expect(texts(backupsToKeep(all, { ...NONE, weekly: 2 }))).to.deep.equal([december, sunday]);
    expect(texts(backupsToKeep(all, { ...NONE, monthly: 2 }))).to.deep.equal([december, monday]);
  });

  it('does not count days without a backup: after a month of standstill nothing is lost', () => {
    const old = ['2026-10-03T00:00:00.000Z', '2026-10-02T00:00:00.000Z'];
    const kept = backupsToKeep(times('2026-11-27T00:00:00.000Z', ...old), { ...NONE, daily: 3 });
    expect(texts(kept)).to.deep.equal(['2026-11-27T00:00:00.000Z', ...old]);
  });

  it('always keeps the newest, never more than the rules sum up to, and forgets nothing twice', () => {
    const limit = fc.integer({ min: 0, max: 8 });
    const retention = fc.record({ daily: limit, weekly: limit, monthly: limit });
    const time = fc.date({
      min: new Date('2020-01-01'),
      max: new Date('2030-01-01'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 60 }), retention, (all, rules) => {
        const kept = backupsToKeep(all, rules);
        const newest = Math.max(...all.map((one) => one.getTime()));
        expect(kept[0]!.getTime()).to.equal(newest);
        expect(kept.length).to.be.at.most(Math.max(1, rules.daily + rules.weekly + rules.monthly));
        expect(texts(backupsToKeep(kept, rules))).to.deep.equal(texts(kept));
      }),
    );
  });
});
