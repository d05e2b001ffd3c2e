import Router from '@koa/router';
import type { Middleware } from '../http/context.js';
import { presentProof } from './presenter.js';
import type { LedgerProver } from './proof.js';

export interface LedgerRoutesDeps {
  prover: LedgerProver;
  authenticated: Middleware;
  limitRate: Middleware;
}

/** The double-entry proof, for anybody who is logged in. */
export function ledgerRouter({ prover, authenticated, limitRate }: LedgerRoutesDeps): Router {
  const router = new Router();
  router.get('/v2/ledger/proof', authenticated, limitRate, async (ctx) => {
    ctx.body = presentProof(await prover.prove());
  });
  return router;
}
