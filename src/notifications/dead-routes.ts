import Router from '@koa/router';
import type { Knex } from 'knex';
import { staffOnly } from '../admin/staff.js';
import { actorOf } from '../audit/record.js';
import type { Guards } from '../http/guards.js';
import { replayable } from '../http/idempotency.js';
import { nextToken } from '../http/page.js';
import { validateParams, validateQuery } from '../http/validate.js';
import {
  DEAD_LETTERS,
  presentDeadLetter,
  redrive,
  type DeadChannel,
  type DeadLetterPage,
} from './dead-letters.js';
import { listDeadSchema } from './dead-schema.js';
import { notificationIdSchema } from './schema.js';

export interface DeadLetterRoutesDeps extends Guards {
  readonly knex: Knex;
  /** Told that there are mails to send. Must neither wait nor throw. */
  readonly nudgeNotifications: () => void;
}

/** Deliveries that were given up, for staff. */
export function deadLettersRouter(deps: DeadLetterRoutesDeps): Router {
  const { knex, nudgeNotifications, ...guards } = deps;
  const router = new Router();
  const readers = staffOnly(guards, 'ops', 'compliance', 'admin');
  const operators = staffOnly(guards, 'ops', 'admin');
  const path = '/v2/admin/notifications/dead';

  router.get(path, ...readers, validateQuery(listDeadSchema), async (ctx) => {
    const { channel, ...page } = ctx.state.query as DeadLetterPage & { channel: DeadChannel };
    const letters = await DEAD_LETTERS[channel].list(knex, page);
    ctx.body = {
      dead: letters.map(presentDeadLetter),
      next_page_token: nextToken(letters, page),
    };
  });

  router.post(
    `${path}/:id/redrive`,
    ...operators,
    validateParams(notificationIdSchema),
    replayable(knex, async (ctx, trx, afterCommit) => {
      const { id } = ctx.state.params as { id: string };
      await redrive(trx, id, actorOf(ctx));
      ctx.status = 202;
      ctx.body = { id, status: 'queued' };
      afterCommit(nudgeNotifications);
    }),
  );

  return router;
}
