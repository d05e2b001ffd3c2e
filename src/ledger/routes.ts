import Router from '@koa/router';
import type { Middleware } from '../http/context.js';
import { requireScope } from '../http/require-role.js';
import { presentProof } from './presenter.js';
import type { LedgerProver } from './proof.js';

export interface LedgerRoutesDeps {
  prover: LedgerProver;
  authenticated: Middleware;
  limitRate: Middleware;
}

/** The double-entry proof, for every credential that may read. */
export function ledgerRouter({ prover, authenticated, limitRate }: LedgerRoutesDeps): Router {
  const router = new Router();
  const read = [authenticated, limitRate, requireScope('read')] as const;
  router.get('/v2/ledger/proof', ...read, async (ctx) => {
    ctx.body = presentProof(await prover.prove());
  });
  return router;
}
