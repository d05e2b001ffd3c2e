import type { Knex } from 'knex';
import type { Finding, Thresholds, Window } from '../domain/surveillance.js';
import { firstIdAt, timeOfId } from '../ids.js';
import type { Logger } from '../log.js';
import { countUnclosed } from './case-model.js';
import { findConcentrations } from './concentrations.js';
import { detect } from './detect.js';
import { recordFinding, unknownFindings } from './findings-store.js';
import { casesUnclosed, findingsRecorded, surveillanceLag, windowDuration } from './metrics.js';
import { queryRows, readWindow } from './window-reader.js';
import { NEXT_IDS } from './window-statements.js';

const WINDOW_MS = 60_000;
/**
 * A row's id is made up to this long before its transaction commits: statements end after 15 s, and
 * machines' clocks differ a little.
 */
const SETTLED_AFTER_MS = 60_000;
/** Of one run; the next goes on where it stopped. */
const RUN_MAX_MS = 20_000;
/** History before the first run that is caught up with. */
const FIRST_LOOK_BACK_MS = 7 * 86_400_000;

export interface SurveillanceDeps {
  readonly knex: Knex;
  readonly log: Logger;
  readonly thresholds: Thresholds;
}

/**
 * Looks at every window of orders and executions that is over, once, from where the last run ended,
 * and opens cases for what it finds. Safe to run any number of times and at the same time: whoever
 * moves the progress on records what was found in that window, in one transaction.
 * @returns how many findings were recorded
 */
export async function surveil(deps: SurveillanceDeps, now: Date): Promise<number> {
  const { knex } = deps;
  const stopAt = performance.now() + RUN_MAX_MS;
  const closed = floorToWindow(new Date(now.getTime() - SETTLED_AFTER_MS));
  let until = await progress(knex, closed);
  let recorded = 0;
  while (until < closed && performance.now() < stopAt) {
    const window = await nextWindow(knex, until, closed);
    if (window === null) {
      if (await moveOn(knex, until, closed)) until = closed;
      break;
    }
    const found = await lookAt(deps, until, window);
    if (found === null) break; // another worker is at it
    recorded += found;
    until = window.to;
  }
  surveillanceLag.set((now.getTime() - until.getTime()) / 1_000);
  for (const [kind, count] of await countUnclosed(knex)) casesUnclosed.set({ kind }, count);
  return recorded;
}

/** @returns how many findings were recorded; null when somebody else was faster */
async function lookAt(
  { knex, log, thresholds }: SurveillanceDeps,
  until: Date,
  window: Window,
): Promise<number | null> {
  const stopTimer = windowDuration.startTimer();
  const found = detect(await readWindow(knex, window, thresholds), window, thresholds);
  const recorded = await knex.transaction(async (trx) => {
    if (!(await moveOn(trx, until, window.to))) return null;
    const findings = [...found, ...(await findConcentrations(trx, window, thresholds))];
    return record(trx, await unknownFindings(trx, findings));
  });
  stopTimer();
  for (const { finding, caseId, opened } of recorded ?? []) {
    const { kind, rule, score } = finding;
    findingsRecorded.inc({ kind });
    log.warn('surveillance found something', { kind, rule, score, caseId, opened });
  }
  return recorded && recorded.length;
}

async function record(trx: Knex.Transaction, findings: readonly Finding[]) {
  const recorded = [];
  for (const finding of findings) {
    const { row, opened } = await recordFinding(trx, finding, new Date());
    recorded.push({ finding, caseId: row.id, opened });
  }
  return recorded;
}

const floorToWindow = (time: Date): Date =>
  new Date(Math.floor(time.getTime() / WINDOW_MS) * WINDOW_MS);

/** Up to when everything was looked at. The first time: from the first order on, within limits. */
async function progress(knex: Knex, closed: Date): Promise<Date> {
  const stored = await readProgress(knex);
  if (stored) return stored;
  const earliest = new Date(closed.getTime() - FIRST_LOOK_BACK_MS);
  await knex('surveillance_progress')
    .insert({ id: 1, looked_at_until: floorToWindow(earliest), updated_at: new Date() })
    .onConflict()
    .ignore();
  return (await readProgress(knex))!;
}

const readProgress = async (knex: Knex): Promise<Date | undefined> =>
  (
    await knex('surveillance_progress').first<{ until: Date } | undefined>(
      'looked_at_until as until',
    )
  )?.until;

/**
 * The next closed window in which something happened; null when there is none. Orders that are
 * withdrawn leave no new row: after a window with some the next one is looked at as well.
 */
async function nextWindow(knex: Knex, until: Date, closed: Date): Promise<Window | null> {
  const rows = await queryRows<{ id: string }>(knex, NEXT_IDS, {
    from: firstIdAt(new Date(until.getTime() - WINDOW_MS)),
  });
  const next = Math.min(...rows.map(({ id }) => timeOfId(id).getTime()));
  if (next >= closed.getTime()) return null; // Infinity when there is nothing at all
  const from = floorToWindow(new Date(Math.max(next, until.getTime())));
  return { from, to: new Date(from.getTime() + WINDOW_MS) };
}

/** @returns false when somebody else has moved it meanwhile */
const moveOn = async (knex: Knex, from: Date, to: Date): Promise<boolean> =>
  (await knex('surveillance_progress')
    .where({ id: 1, looked_at_until: from })
    .update({ looked_at_until: to, updated_at: new Date() })) > 0;
