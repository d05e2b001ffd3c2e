import Router from '@koa/router';
import type { Middleware } from '../http/context.js';
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
    const { balanced, asOf, mismatchedBalances, assets } = await prover.prove();
    ctx.body = {
      balanced,
      as_of: asOf.toISOString(),
      mismatched_balances: mismatchedBalances,
      assets,
    };
  });
  return router;
}
