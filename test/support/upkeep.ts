import { SessionWork } from '../../src/orders/session-work.js';
import { maintenanceDeps } from '../../workers/maintenance-deps.js';
import { maintain, type MaintenanceDeps } from '../../workers/maintenance.js';
import type { Trading } from './trading.js';

/** Runs a job of the scheduled upkeep on a trading floor, as the worker does; markets never close. */
export const runUpkeep = (
  job: Parameters<typeof maintain>[0],
  { container }: Pick<Trading, 'container'>,
  more: Partial<MaintenanceDeps> = {},
): Promise<void> =>
  maintain(job, {
    ...maintenanceDeps(container),
    sessions: new SessionWork(container.db.knex, 'always'),
    marketHours: 'always',
    ...more,
  });
