import { Gauge } from 'prom-client';

export const marketTapeLag = new Gauge({
  name: 'brokerx_market_tape_lag_seconds',
  help: 'Time since the bars of market data had every trade; normally below half a second',
  aggregator: 'max',
});
