import { Counter } from 'prom-client';
import { SharedGauge } from '../shared-gauge.js';

export const routesOpened = new Counter({
  name: 'brokerx_venue_routes_total',
  help: 'Orders whose rest was given to the external venue',
});
export const routesEnded = new Counter({
  name: 'brokerx_venue_routes_ended_total',
  help: 'Orders whose rest has come back from the external venue, or was traded there, by how',
  labelNames: ['status'],
});
export const reportsReceived = new Counter({
  name: 'brokerx_venue_reports_total',
  help: "The external venue's reports, by what came of them when they were received",
  labelNames: ['outcome'],
});
export const venueContradictions = new Counter({
  name: 'brokerx_venue_contradictions_total',
  help: "The external venue's reports that contradict it or us, and were not booked",
  labelNames: ['fault'],
});
export const oldestOpenRoute = new SharedGauge(
  {
    name: 'brokerx_oldest_open_venue_route_seconds',
    help: 'Age of the oldest order at the external venue',
  },
  30_000,
);
export const disputedRoutes = new SharedGauge(
  {
    name: 'brokerx_disputed_venue_routes',
    help: 'Orders about which the external venue has contradicted itself or us',
  },
  30_000,
);
