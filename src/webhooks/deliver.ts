import type { DeliverDeps } from './delivery-deps.js';
import { EndpointTurn } from './endpoint-turn.js';
import { beginTurn, endTurn } from './turns.js';

/**
 * Delivers what is due to one endpoint, in the order of its account's log. Safe to run any number of
 * times, by any number of workers: one of them has the endpoint's lease, the others find nothing to do.
 * No transaction is open while a message is posted. Whoever dies lets the lease run out; the message
 * that was on its way is then posted again, with the same id.
 * @param isStopping true when the process ends: no further message is begun
 * @returns true when more waits: the turn was over
 */
export async function deliverToEndpoint(
  deps: DeliverDeps,
  endpointId: string,
  isStopping: () => boolean = () => false,
): Promise<boolean> {
  const { db, terms, now = () => new Date() } = deps;
  const turn = await beginTurn(db.knex, endpointId, now(), terms.leaseMs);
  if (!turn) return false;
  try {
    return await new EndpointTurn({ ...deps, now }, turn, isStopping).run();
  } finally {
    await endTurn(db.knex, turn);
  }
}
