import type { Logger } from '../log.js';
import type { PassRoutes } from '../orders/pass-routes.js';
import { routesEnded, routesOpened, venueContradictions } from './metrics.js';

interface ReportRoutesDeps {
  readonly log: Logger;
  readonly tellVenue: (routeIds: readonly string[]) => void;
}

/** After a pass has committed: tells the external venue, and counts and logs what it has said. */
export function reportRoutes(routes: PassRoutes, { log, tellVenue }: ReportRoutesDeps): void {
  const toTell = routes.toTell();
  if (toTell.length > 0) tellVenue(toTell);
  if (routes.opened.size > 0) routesOpened.inc(routes.opened.size);
  for (const { status } of routes.ended) routesEnded.inc({ status });
  for (const { routeId, sequence, fault } of routes.contradictions) {
    venueContradictions.inc({ fault });
    log.error('the external venue contradicts itself or us', {
      route_id: routeId,
      sequence,
      fault,
    });
  }
}
