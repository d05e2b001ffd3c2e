import { anchorKey } from '../src/audit/anchors.js';
import { AuditWatch } from '../src/audit/watch.js';
import type { Container } from '../src/container.js';
import type { LookAfterDeps } from '../src/funding/look-after-transfers.js';
import { OneTimeCodes } from '../src/identity/one-time-codes.js';
import { SessionWork } from '../src/orders/session-work.js';
import { PAYMENTS_QUEUE, type PaymentJob } from '../src/payment-provider/instructions.js';
import { openQueue } from '../src/queue/queues.js';
import type { MaintenanceDeps } from './maintenance.js';

/** What transfers are looked after with, for the upkeep and for their own worker. */
export const transferDeps = ({ db, sealer, log, redis, nudges }: Container): LookAfterDeps => ({
  knex: db.knex,
  sealer,
  log,
  payments: openQueue<PaymentJob>(PAYMENTS_QUEUE, redis),
  nudge: () => nudges.transfers(),
});

/** What the scheduled upkeep needs of the container. */
export function maintenanceDeps(
  container: Container,
  transfers: LookAfterDeps = transferDeps(container),
): MaintenanceDeps {
  const { config, db, log, nudges, nudgeNotifications, sealer, venue } = container;
  const { knex } = db;
  return {
    knex,
    nudges,
    log,
    sessions: new SessionWork(knex, config.marketHours),
    marketHours: config.marketHours,
    minutesKeptDays: config.marketMinutesKeptDays,
    signUps: {
      knex,
      sealer,
      codes: new OneTimeCodes(sealer),
      publicUrl: config.publicUrl,
      expiresDays: config.signUpExpiresDays,
      nudgeNotifications,
    },
    transfers,
    venue,
    audit: new AuditWatch({
      knex,
      log,
      anchorFile: config.auditAnchorFile,
      anchorKey: anchorKey(config.secretsKey),
    }),
    thresholds: config.surveillance,
  };
}
