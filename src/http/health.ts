import Router from '@koa/router';
import Joi from 'joi';
import type { Redis } from 'ioredis';
import { type Database, isConnectionLost } from '../db.js';
import { DomainError } from '../errors.js';
import { answerSchema, type Operation } from './operation.js';

const PROBE = { name: 'ready-probe', text: 'select 1' };
const PROBE_TIMEOUT_MS = 2_000;

export interface HealthDeps {
  readonly db: Pick<Database, 'run'>;
  readonly redis: Pick<Redis, 'status'>;
  /** True once the process drains: a load balancer should send nothing more. */
  readonly isStopping: () => boolean;
}

/** `/health`: the process lives. `/ready`: it can accept orders. */
export function healthRouter({ db, redis, isStopping }: HealthDeps): Router {
  const router = new Router();

  router.get('/health', (ctx) => {
    ctx.body = { status: 'ok' };
  });

  router.get('/ready', async (ctx) => {
    ctx.set('Cache-Control', 'no-store');
    const postgres = (await answersInTime(db)) ? 'up' : 'down';
    const checks = { postgres, redis: redis.status === 'ready' ? 'up' : 'down' };
    if (isStopping()) throw notReady('This process is stopping', checks);
    if (postgres === 'down') throw notReady('Postgres is not available', checks);
    ctx.body = { status: 'ready', checks }; // orders are accepted without Redis: they run later
  });

  return router;
}

const notReady = (message: string, checks: object): DomainError =>
  new DomainError('unavailable', 50310000, message, { checks });

async function answersInTime(db: HealthDeps['db']): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, PROBE_TIMEOUT_MS, false);
  });
  const probe = db.run(PROBE, []).then(
    () => true,
    (error: unknown) => {
      if (isConnectionLost(error)) return false;
      throw error;
    },
  );
  try {
    return await Promise.race([probe, late]);
  } finally {
    clearTimeout(timer);
  }
}

const upOrDown = Joi.string().valid('up', 'down');
const tag = 'Operation';

export const healthOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/health',
    tag,
    access: 'public',
    summary: 'Whether the process lives',
    responses: {
      200: {
        description: 'It does',
        schema: answerSchema('Health', { status: Joi.string().valid('ok') }),
      },
    },
  },
  {
    method: 'get',
    path: '/ready',
    tag,
    access: 'public',
    summary: 'Whether it can accept orders',
    description: 'Needs Postgres. Without Redis orders are accepted, and executed once it is back.',
    responses: {
      200: {
        description: 'It can',
        schema: answerSchema('Ready', {
          status: Joi.string().valid('ready'),
          checks: Joi.object({ postgres: upOrDown, redis: upOrDown }),
        }),
      },
    },
    problems: [503],
  },
];
