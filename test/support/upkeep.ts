import { SessionWork } from '../../src/orders/session-work.js';
import { maintain, type MaintenanceDeps } from '../../workers/maintenance.js';
import { signUpJobDeps } from '../../workers/sign-ups.js';
import type { Trading } from './trading.js';

/** Runs a job of the scheduled upkeep on a trading floor, as the worker does; markets never close. */
export const runUpkeep = (
  job: Parameters<typeof maintain>[0],
  { container }: Pick<Trading, 'container'>,
  more: Partial<MaintenanceDeps> = {},
): Promise<void> => {
  const { config, db, log, nudges } = container;
  return maintain(job, {
    knex: db.knex,
    nudges,
    log,
    sessions: new SessionWork(db.knex, 'always'),
    marketHours: 'always',
    signUps: signUpJobDeps(container),
    thresholds: config.surveillance,
    ...more,
  });
};
