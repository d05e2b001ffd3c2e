import Router from '@koa/router';
import type { Context } from 'koa';
import type { Knex } from 'knex';
import { invalid } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { requireAccount, requireScope } from '../http/require-role.js';
import { validateParams, validateQuery } from '../http/validate.js';
import { parseActivityId, type Position } from './activity-id.js';
import { listActivities, type JournalType } from './model.js';
import { presentActivity } from './presenter.js';
import {
  activitiesOfTypeSchema,
  activitiesSchema,
  activityTypeSchema,
  TYPES,
  type ActivitiesQuery,
} from './schema.js';

export interface ActivityRoutesDeps extends Guards {
  readonly knex: Knex;
}

const DAY_MS = 86_400_000;

/** What happened on the caller's account. */
export function activitiesRouter(deps: ActivityRoutesDeps): Router {
  const { knex, authenticated, limitRate } = deps;
  const router = new Router();
  const read = [authenticated, limitRate, requireScope('read'), requireAccount] as const;

  const answer = async (ctx: Context, types: readonly string[]): Promise<void> => {
    const { accountId } = ctx.state;
    const query = ctx.state.query as ActivitiesQuery;
    const activities = await listActivities(knex, accountId, {
      fills: types.includes('FILL'),
      fees: types.includes('FEE'),
      journalTypes: types.filter((type) => JOURNAL_TYPES.has(type)) as JournalType[],
      direction: query.direction,
      limit: query.page_size,
      ...timesOf(query),
      cursor: cursorOf(query.page_token, accountId),
    });
    ctx.body = activities.map((activity) => presentActivity(activity, accountId));
  };

  router.get('/v2/account/activities', ...read, validateQuery(activitiesSchema), (ctx) => {
    const { activity_types: types, category } = ctx.state.query as ActivitiesQuery;
    return answer(ctx, types ?? TYPES.filter((type) => isOf(category, type)));
  });

  router.get(
    '/v2/account/activities/:activity_type',
    ...read,
    validateParams(activityTypeSchema),
    validateQuery(activitiesOfTypeSchema),
    (ctx) => answer(ctx, (ctx.state.params as { activity_type: string[] }).activity_type),
  );

  return router;
}

const JOURNAL_TYPES = new Set<string>(['CSD', 'CSW', 'JNLC', 'JNLS']);

const isOf = (category: ActivitiesQuery['category'], type: string): boolean =>
  category === undefined || (category === 'trade_activity') === (type === 'FILL');

/** The whole of a day, as far as `after` and `until` leave it. */
function timesOf({ date, after, until }: ActivitiesQuery): { after?: Date; until?: Date } {
  const times = { ...(after && { after }), ...(until && { until }) };
  if (!date) return times;
  const midnight = Math.floor(date.getTime() / DAY_MS) * DAY_MS;
  return {
    after: new Date(Math.max(midnight - 1, after?.getTime() ?? -Infinity)),
    until: new Date(Math.min(midnight + DAY_MS, until?.getTime() ?? Infinity)),
  };
}

/** @throws DomainError 422 */
function cursorOf(token: string | undefined, accountId: string): Position | undefined {
  if (token === undefined) return undefined;
  const position = parseActivityId(token, accountId);
  if (position !== null) return position;
  throw invalid(`page_token must be the id of an activity of yours; it is "${token}"`, {
    errors: [{ field: 'page_token', message: 'must be the id of an activity of yours' }],
  });
}
