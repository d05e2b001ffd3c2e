import Router from '@koa/router';
import { staffOnly } from '../admin/staff.js';
import { notFound } from '../errors.js';
import { validateBody, validateParams, validateQuery } from '../http/validate.js';
import { listReviews, readReview } from './review-list.js';
import {
  decisionSchema,
  listReviewsSchema,
  reviewIdSchema,
  type ListReviewsQuery,
} from './review-schema.js';
import { decideReview, type Decision } from './reviews.js';
import { type ClientRoutesDeps, writing } from './route-deps.js';

/** Compliance looks at who signed up, and decides. */
export function reviewsRouter(deps: ClientRoutesDeps): Router {
  const { knex } = deps;
  const router = new Router();
  const officer = staffOnly(deps, 'compliance', 'admin');
  const path = '/v2/admin/kyc_reviews/:client_id';
  const params = validateParams(reviewIdSchema);

  router.get('/v2/admin/kyc_reviews', ...officer, validateQuery(listReviewsSchema), async (ctx) => {
    const query = ctx.state.query as ListReviewsQuery;
    const reviews = await listReviews(knex, query);
    const isFull = reviews.length === query.limit;
    ctx.body = { reviews, next_page_token: isFull ? reviews.at(-1)!['client_id'] : null };
  });

  router.get(path, ...officer, params, async (ctx) => {
    const { client_id: id } = ctx.state.params as { client_id: string };
    const review = await readReview(knex, id);
    if (!review) throw notFound('review');
    ctx.body = review;
  });

  router.post(
    `${path}/decision`,
    ...officer,
    params,
    validateBody(decisionSchema),
    writing(deps, async (ctx, trx, by) => {
      const { client_id: id } = ctx.state.params as { client_id: string };
      await decideReview(deps, trx, by, id, ctx.request.validBody as Decision);
      ctx.body = await readReview(trx, id);
      return undefined;
    }),
  );

  return router;
}
