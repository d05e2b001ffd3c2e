import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { DomainError, notFound } from '../errors.js';
import { findRoute, type ListedRoute } from './route-model.js';

/** After its time a route is left alone so long: the venue's last word may be on its way. */
export const CLOSE_GRACE_MS = 60_000;

const NOT_CLOSABLE = 40910030;

/**
 * Gives up a route of which the venue does not say what became: the next pass of its shard takes the
 * rest back, and what the venue says later is disputed and not booked. The caller nudges the shard
 * after the commit.
 * @returns the route as it was asked for; unchanged when that was done before
 * @throws DomainError 404 when there is none, 409 when it has ended or may still be answered
 */
export async function closeRoute(
  trx: Knex.Transaction,
  id: string,
  { by, reason }: { readonly by: Actor; readonly reason: string },
  now: Date,
): Promise<ListedRoute> {
  await trx.raw('select from venue_routes where id = ? for no key update', [id]);
  const route = await findRoute(trx, id);
  if (!route) throw notFound('route');
  if (route.closeReason !== null) return route;
  const refused = obstacle(route, now);
  if (refused !== null) throw new DomainError('conflict', NOT_CLOSABLE, refused);
  await trx('venue_routes').where({ id }).update({ close_reason: reason });
  await trx('work_items').insert({
    shard: route.shard,
    kind: 'venue',
    order_id: route.orderId,
    account_id: route.accountId,
    created_at: now,
  });
  await recordAct(trx, by, {
    action: 'venue_route.closed',
    subject: { account_id: route.accountId, order_id: route.orderId, route_id: id },
    before: { status: route.status },
    after: { status: 'closed' },
    reason,
  });
  return { ...route, closeReason: reason };
}

function obstacle({ status, goodUntil }: ListedRoute, now: Date): string | null {
  if (status !== 'open') return `the route is ${status}: there is nothing to give up`;
  const closableAt = new Date(goodUntil.getTime() + CLOSE_GRACE_MS);
  if (closableAt <= now) return null;
  return `the venue may still answer: the route can be given up from ${closableAt.toISOString()} on`;
}
