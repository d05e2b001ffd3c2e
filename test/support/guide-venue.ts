import type { Trading } from './trading.js';
import { routeOf, routeToVenue, say, VenueSide } from './venue.js';

/** What the guide's chapter on the external venue begins with: an order that it does not answer for. */
export async function addGuideRoute(trading: Trading): Promise<Record<string, string>> {
  await routeToVenue(trading, 'XOM');
  const order = await trading.place({ account: 0, side: 'buy', qty: '1', symbol: 'XOM' });
  await trading.settle();
  const { id } = await routeOf(trading, order);
  await trading.asOwner(`update venue_routes set good_until = now() - interval '5 minutes'`);
  const disputed = await trading.place({ account: 0, side: 'buy', qty: '2', symbol: 'XOM' });
  await trading.settle();
  const route = await routeOf(trading, disputed);
  const venue = new VenueSide(route, { symbol: 'XOM', side: 'buy' });
  await say(trading, venue.fill('1000', '2'), venue.done());
  return { ROUTE_ID: id, DISPUTED_ROUTE_ID: route.id };
}
