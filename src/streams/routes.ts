import Router from '@koa/router';
import type { Knex } from 'knex';
import type { Guards } from '../http/guards.js';
import { requireAccount, requireScope } from '../http/require-role.js';
import { validateQuery } from '../http/validate.js';
import { presentEvent, readEvents } from './events.js';
import { type ListEventsQuery, listEventsSchema } from './schema.js';

export interface EventRoutesDeps extends Guards {
  readonly knex: Knex;
}

/** The caller's event log. */
export function eventsRouter({ knex, authenticated, limitRate }: EventRoutesDeps): Router {
  const router = new Router();

  router.get(
    '/v2/events',
    authenticated,
    limitRate,
    requireScope('read'),
    requireAccount,
    validateQuery(listEventsSchema),
    async (ctx) => {
      const query = ctx.state.query as ListEventsQuery;
      const sinceId = BigInt(query.since_id);
      const events = await readEvents(knex, ctx.state.accountId, sinceId, query.limit);
      const last = events.at(-1)?.eventId ?? sinceId;
      ctx.body = { events: events.map(presentEvent), next_since_id: Number(last) };
    },
  );

  return router;
}
