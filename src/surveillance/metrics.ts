import { Counter, Histogram } from 'prom-client';
import { SharedGauge } from '../shared-gauge.js';

export const findingsRecorded = new Counter({
  name: 'brokerx_surveillance_findings_total',
  help: 'Findings of market surveillance, by kind',
  labelNames: ['kind'],
});
export const casesUnclosed = new SharedGauge(
  {
    name: 'brokerx_surveillance_cases',
    help: 'Cases that are not closed, by kind',
    labelNames: ['kind'],
  },
  120_000,
);
export const surveillanceLag = new SharedGauge(
  {
    name: 'brokerx_surveillance_lag_seconds',
    help: 'Age of the moment up to which orders and executions were looked at; normally 60 to 150',
  },
  120_000,
);
export const windowDuration = new Histogram({
  name: 'brokerx_surveillance_window_seconds',
  help: 'Time to look at one window',
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});
