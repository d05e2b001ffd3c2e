import { Gauge, Histogram } from 'prom-client';
import { SharedGauge } from '../shared-gauge.js';

export const marketTapeLag = new SharedGauge(
  {
    name: 'brokerx_market_tape_lag_seconds',
    help: 'Time since the bars of market data had every trade; normally below two seconds',
  },
  30_000,
);
export const marketDataLag = new Histogram({
  name: 'brokerx_market_data_lag_seconds',
  help: 'Time from a trade to the moment it is handed to the streams of an API process',
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
});
export const publisherHeardAt = new Gauge({
  name: 'brokerx_market_data_heard_timestamp_seconds',
  help: 'When an API process last heard of the publisher of market data, who speaks every second',
  aggregator: 'max',
});
export const marketStepAt = new Gauge({
  name: 'brokerx_market_step_timestamp_seconds',
  help: 'When the simulated market last quoted; 0: not in this process',
  aggregator: 'max',
});
