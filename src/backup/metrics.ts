import { SharedGauge } from '../shared-gauge.js';

/** So long a reading counts; another process may do the next. */
const STALE_AFTER_MS = 180_000;

export const backupLastSuccess = new SharedGauge(
  {
    name: 'brokerx_backup_last_success_timestamp_seconds',
    help: 'What was committed before is in the last backup of the kind: dump, base, wal; 0: none yet',
    labelNames: ['kind'],
  },
  STALE_AFTER_MS,
);
export const backupSize = new SharedGauge(
  {
    name: 'brokerx_backup_size_bytes',
    help: 'Size of the last backup of the kind; of wal: of the whole archive',
    labelNames: ['kind'],
  },
  STALE_AFTER_MS,
);
export const backupFailures = new SharedGauge(
  {
    name: 'brokerx_backup_failures',
    help: 'Backups of the kind that have failed since the last success',
    labelNames: ['kind'],
  },
  STALE_AFTER_MS,
);
