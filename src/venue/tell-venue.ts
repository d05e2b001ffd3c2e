import type { Queue } from 'bullmq';
import type { Knex } from 'knex';
import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { VenueMessage } from '../external-venue/messages.js';
import type { Logger } from '../log.js';

export interface TellVenueDeps {
  readonly knex: Knex;
  /** The external venue's. */
  readonly venue: Queue<VenueMessage>;
  readonly log: Logger;
}

interface RouteRow {
  id: string;
  symbol: string;
  side: 'buy' | 'sell';
  qty: bigint;
  limitPrice: bigint;
  referencePrice: bigint;
  goodUntil: Date;
  isWantedBack: boolean;
}

const FIND_OPEN = `
  select r.id, a.symbol, r.side, r.qty, r.limit_price as "limitPrice",
    r.reference_price as "referencePrice", r.good_until as "goodUntil",
    r.ends_as is not null as "isWantedBack"
  from venue_routes r join assets a on a.id = r.asset_id
  where r.id = any(?::uuid[]) and r.status = 'open' order by r.id`;

/**
 * Tells the external venue about open routes: to trade them, or to stop. Only after the commit; if the
 * word gets lost, `askVenue` says it again. Redis may be away: the routes are there all the same.
 */
export const tellVenue = (deps: TellVenueDeps, routeIds: readonly string[]): Promise<void> =>
  send(deps, routeIds, []);

/** Says again what was told, and asks what has become of it. */
export const askVenue = (deps: TellVenueDeps, routeIds: readonly string[]): Promise<void> =>
  send(deps, routeIds, ['query']);

async function send(
  { knex, venue, log }: TellVenueDeps,
  routeIds: readonly string[],
  more: readonly 'query'[],
): Promise<void> {
  try {
    const routes = await findOpen(knex, routeIds);
    const messages = routes.flatMap((route): VenueMessage[] => {
      const first = route.isWantedBack ? ('cancel' as const) : ('order' as const);
      return [first, ...more].map((kind) => ({ kind, order: orderOf(route) }));
    });
    if (messages.length > 0) {
      await venue.addBulk(messages.map((data) => ({ name: data.kind, data })));
    }
  } catch (error) {
    log.warn('the external venue could not be told; it will be', { routes: routeIds, error });
  }
}

async function findOpen(knex: Knex, ids: readonly string[]): Promise<RouteRow[]> {
  const { rows } = await knex.raw<{ rows: RouteRow[] }>(FIND_OPEN, [[...ids]]);
  return rows;
}

const orderOf = (route: RouteRow): VenueMessage['order'] => ({
  route: route.id,
  symbol: route.symbol,
  side: route.side,
  qty: formatDecimal(route.qty, QTY_SCALE),
  limit_price: formatDecimal(route.limitPrice, PRICE_SCALE),
  reference_price: formatDecimal(route.referencePrice, PRICE_SCALE),
  good_until: route.goodUntil.toISOString(),
});
