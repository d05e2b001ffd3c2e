import { Gauge } from 'prom-client';
import { SharedGauge } from '../shared-gauge.js';

export const auditChainBroken = new SharedGauge(
  {
    name: 'brokerx_audit_chain_broken',
    help: '1 when the audit log or its anchors were tampered with',
  },
  60_000,
);
export const auditFaults = new SharedGauge(
  {
    name: 'brokerx_audit_faults',
    help: 'Faults that the last verification of the audit log found',
  },
  1_800_000,
);
export const auditVerifiedAt = new Gauge({
  name: 'brokerx_audit_verified_timestamp_seconds',
  help: 'When the audit log was last verified',
  aggregator: 'max',
});
export const auditEntries = new SharedGauge(
  {
    name: 'brokerx_audit_entries',
    help: 'Entries of the audit log at its last verification',
  },
  1_800_000,
);
