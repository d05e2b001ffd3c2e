import { Counter, Histogram } from 'prom-client';
import { SharedGauge } from '../shared-gauge.js';

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 86_400];

export const transfersMoved = new Counter({
  name: 'brokerx_transfers_total',
  help: 'Transfers that came to a status, by direction',
  labelNames: ['direction', 'status'],
});
export const transfersRefused = new Counter({
  name: 'brokerx_transfers_refused_total',
  help: 'Transfers refused before anything was held',
  labelNames: ['code'],
});
export const oldestOpenTransfer = new SharedGauge(
  {
    name: 'brokerx_oldest_pending_transfer_seconds',
    help: 'Age of the oldest transfer that is neither settled nor failed',
  },
  30_000,
);
export const disputedTransfers = new SharedGauge(
  {
    name: 'brokerx_disputed_transfers',
    help: 'Transfers about which the payment provider has contradicted itself, that nobody has settled',
  },
  30_000,
);
export const owedByClients = new SharedGauge(
  {
    name: 'brokerx_receivables_dollars',
    help: 'What clients owe after deposits that came back',
  },
  30_000,
);
export const callbacksReceived = new Counter({
  name: 'brokerx_payment_callbacks_total',
  help: "The payment provider's events, by what came of them",
  labelNames: ['outcome'],
});
export const callbacksRefused = new Counter({
  name: 'brokerx_payment_callbacks_refused_total',
  help: 'Callbacks that were not believed, by reason',
  labelNames: ['reason'],
});
export const providerLatency = new Histogram({
  name: 'brokerx_payment_provider_seconds',
  help: 'Time from sending a transfer to the provider until it is settled or failed',
  labelNames: ['status'],
  buckets: SECONDS,
});
