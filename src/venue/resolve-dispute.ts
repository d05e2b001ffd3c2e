import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { DomainError, notFound } from '../errors.js';
import { findRoute, type ListedRoute } from './route-model.js';

const NOT_DISPUTED = 40910031;

/**
 * Notes that somebody has looked at what the venue said of a route and has put right what there was to be,
 * with the venue or by adjustments. Books nothing. A later contradiction disputes the route anew.
 * @throws DomainError 404 when there is none, 409 when it is not disputed
 */
export async function resolveDispute(
  trx: Knex.Transaction,
  id: string,
  { by, reason }: { readonly by: Actor; readonly reason: string },
): Promise<ListedRoute> {
  await trx.raw('select from venue_routes where id = ? for no key update', [id]);
  const route = await findRoute(trx, id);
  if (!route) throw notFound('route');
  if (!route.disputed) throw new DomainError('conflict', NOT_DISPUTED, 'the route is not disputed');
  await trx('venue_routes').where({ id }).update({ disputed: false });
  await recordAct(trx, by, {
    action: 'venue_route.dispute_resolved',
    subject: { account_id: route.accountId, order_id: route.orderId, route_id: id },
    before: { disputed: true },
    after: { disputed: false },
    reason,
  });
  return { ...route, disputed: false };
}
