import { expect } from 'chai';
import { FINDING_KINDS, type FindingKind } from '../../src/domain/surveillance.js';
import type { CaseRow } from '../../src/surveillance/case-model.js';
import { surveil } from '../../src/surveillance/surveil.js';
import { bindingsOf, queryRows } from '../../src/surveillance/window-reader.js';
import * as statements from '../../src/surveillance/window-statements.js';
import { generateDay, type GeneratedDay } from '../support/surveillance/generate-day.js';
import type { Planted } from '../support/surveillance/planted.js';
import { startTrading, type Trading } from '../support/trading.js';

const PRECISION_MIN = 0.95;
const RECALL_MIN = 0.9;
/** Of one day in the suite; more with BROKERX_TEST_DAYS, others with BROKERX_TEST_SEED. */
const DAYS = Number(process.env['BROKERX_TEST_DAYS'] ?? 1);
const SEED = Number(process.env['BROKERX_TEST_SEED'] ?? 1);

describe('surveillance of a generated day', function () {
  this.timeout(900_000);

  it('finds what was planted, and hardly anything else, by kind', async () => {
    const totals = new Map<FindingKind, Score>();
    for (let seed = SEED; seed < SEED + DAYS; seed += 1) {
      const trading = await startTrading(0);
      try {
        const generated = await generateDay(trading.container.db.knex, seed);
        await trading.asOwner('analyze');
        const took = await lookAtAll(trading, generated);
        const cases = await casesOf(trading);
        if (seed === SEED) await expectLookups(trading, generated);
        process.stdout.write(
          `      BROKERX_TEST_SEED=${seed}: ${generated.day.orders.length} orders, ` +
            `${generated.day.trades.length} trades, looked at in ${took.toFixed(0)} ms\n`,
        );
        for (const kind of FINDING_KINDS) {
          const score = scoreOf(kind, cases, generated.planted);
          process.stdout.write(`        ${kind}: ${describeScore(score)}\n`);
          for (const missed of score.missed) process.stdout.write(`          missed ${missed}\n`);
          for (const wrong of score.wrong) process.stdout.write(`          wrong ${wrong}\n`);
          totals.set(kind, add(totals.get(kind), score));
        }
      } finally {
        await trading.stop();
      }
    }
    for (const [kind, score] of totals) {
      const named = `${kind}, BROKERX_TEST_SEED=${SEED} repeats it`;
      expect(score.found / score.cases, `precision of ${named}`).to.be.at.least(PRECISION_MIN);
      expect(score.hit / score.planted, `recall of ${named}`).to.be.at.least(RECALL_MIN);
    }
  });
});

/** None of the statements of a window reads one of the large tables from end to end. */
async function expectLookups({ container }: Trading, { day }: GeneratedDay): Promise<void> {
  const from = new Date(day.open + 3 * 3_600_000);
  const bindings = {
    ...bindingsOf({ from, to: new Date(from.getTime() + 60_000) }),
    ...{ layers: 4, burstMessages: 100, tradersMax: 50, day: '2026-11-20' },
    ...{ ones: [], others: [], asset: day.assets[0]!.id },
    assets: day.assets.map(({ id }) => id),
    accounts: day.assets.map((_, index) => day.trades[index]!.taker.accountId),
  };
  for (const [name, statement] of Object.entries(statements)) {
    const named = name === 'NEXT_IDS' ? { from: bindings.fromId } : bindings;
    const plan = JSON.stringify(
      await queryRows(container.db.knex, `explain ${statement}`, named as typeof bindings),
    );
    expect(plan, name).not.to.match(/Seq Scan on (orders|executions|account_events)/);
  }
}

interface Score {
  cases: number;
  /** Cases that are about something planted. */
  found: number;
  planted: number;
  /** What was planted and is in a case. */
  hit: number;
  missed: string[];
  wrong: string[];
}

/** As the worker's job does, run after run, until everything was looked at. */
async function lookAtAll(trading: Trading, { day }: GeneratedDay): Promise<number> {
  const { db, log, config } = trading.container;
  const deps = { knex: db.knex, log, thresholds: config.surveillance };
  const now = new Date(day.close + 180_000);
  const start = performance.now();
  for (let until = 0; until < day.close;) {
    await surveil(deps, now);
    const row = await db.knex('surveillance_progress').first<{ at: Date }>('looked_at_until as at');
    until = row.at.getTime();
  }
  return performance.now() - start;
}

const casesOf = ({ container }: Trading): Promise<CaseRow[]> =>
  container.db.knex('surveillance_cases').orderBy('id');

const isAbout = (one: CaseRow, planted: Planted): boolean =>
  one.kind === planted.kind &&
  one.asset_id === planted.assetId &&
  one.account_ids.every((id) => planted.accountIds.includes(id));

function scoreOf(kind: FindingKind, all: readonly CaseRow[], plants: readonly Planted[]): Score {
  const cases = all.filter((one) => one.kind === kind);
  const planted = plants.filter((one) => one.kind === kind);
  const missed = planted.filter((plant) => !cases.some((one) => isAbout(one, plant)));
  const wrong = cases.filter((one) => !planted.some((plant) => isAbout(one, plant)));
  return {
    cases: cases.length,
    found: cases.length - wrong.length,
    planted: planted.length,
    hit: planted.length - missed.length,
    missed: missed.map(({ name }) => name),
    wrong: wrong.map(({ summary }) => summary),
  };
}

const add = (sum: Score | undefined, one: Score): Score => ({
  cases: one.cases + (sum?.cases ?? 0),
  found: one.found + (sum?.found ?? 0),
  planted: one.planted + (sum?.planted ?? 0),
  hit: one.hit + (sum?.hit ?? 0),
  missed: [...(sum?.missed ?? []), ...one.missed],
  wrong: [...(sum?.wrong ?? []), ...one.wrong],
});

const describeScore = ({ cases, found, planted, hit }: Score): string =>
  `precision ${found}/${cases}, recall ${hit}/${planted}`;
