import { Gauge } from 'prom-client';

export const backupLastSuccess = new Gauge({
  name: 'brokerx_backup_last_success_timestamp_seconds',
  help: 'What was committed before is in the last backup of the kind: dump, base, wal; 0: none yet',
  labelNames: ['kind'],
  aggregator: 'max',
});
export const backupSize = new Gauge({
  name: 'brokerx_backup_size_bytes',
  help: 'Size of the last backup of the kind; of wal: of the whole archive',
  labelNames: ['kind'],
  aggregator: 'max',
});
export const backupFailures = new Gauge({
  name: 'brokerx_backup_failures',
  help: 'Backups of the kind that have failed since the last success',
  labelNames: ['kind'],
  aggregator: 'max',
});
