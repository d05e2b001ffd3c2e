import Router from '@koa/router';
import { nextToken } from '../http/page.js';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { staffOnly } from '../admin/staff.js';
import { pairParamsSchema } from '../assets/schema.js';
import { notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { replayable, type ReplayableHandler } from '../http/idempotency.js';
import { validateBody, validateParams, validateQuery } from '../http/validate.js';
import type { Logger } from '../log.js';
import {
  findBlock,
  liftBlock,
  listBlocks,
  presentBlock,
  setBlock,
  type BlockKind,
  type BlockSubject,
} from './blocks.js';
import { authorOf } from './control-changes.js';
import { cancelKilled } from './kill-switch.js';
import { reasonOf } from './limit-routes.js';
import {
  accountIdSchema,
  haltSymbolSchema,
  pageSchema,
  reasonSchema,
  validateReason,
  type PageQuery,
} from './schema.js';
import { outwaitSettlements } from './settlement-gate.js';
import { findAccountTarget, findAssetTarget, HOUSE } from './targets.js';

export interface BlockRoutesDeps extends Guards {
  readonly knex: Knex;
  readonly log: Logger;
  /** Told which shards have new work. Must neither wait nor throw. */
  readonly nudge: (shards: readonly number[]) => void;
}

type FindSubject = (ctx: Context, knex: Knex) => Promise<BlockSubject>;

/** Halts of assets, kill switches and restrictions: each is turned on, read and lifted. */
export function blocksRouter({ knex, log, nudge, ...guards }: BlockRoutesDeps): Router {
  const router = new Router();
  const staff = staffOnly(guards, 'ops', 'compliance', 'admin');
  const killPath = '/v2/admin/accounts/:account_id/kill_switch';
  const restrictionPath = '/v2/admin/accounts/:account_id/restriction';
  const accountParams = validateParams(accountIdSchema);

  /** Makes the answer mean that nothing commits any more which had not seen the block. */
  const enforce = async (kind: BlockKind): Promise<void> => {
    if (kind === 'restrict') return; // stops new orders only, which read it themselves
    await outwaitSettlements(knex, log);
    if (kind === 'kill') await cancelKilled(knex, nudge);
  };

  const read = (find: FindSubject) => async (ctx: Context) => {
    const subject = await find(ctx, knex);
    ctx.body = presentBlock(subject.target, await findBlock(knex, subject));
  };
  const set = (find: FindSubject): ReplayableHandler => {
    return async (ctx, trx, afterCommit) => {
      const subject = await find(ctx, trx);
      const block = await setBlock(trx, subject, authorOf(ctx, reasonOf(ctx)));
      ctx.body = presentBlock(subject.target, block);
      afterCommit(() => enforce(subject.kind));
    };
  };
  const lift = (find: FindSubject): ReplayableHandler => {
    return async (ctx, trx) => {
      const subject = await find(ctx, trx);
      await liftBlock(trx, subject, authorOf(ctx, reasonOf(ctx)));
      ctx.body = presentBlock(subject.target, undefined);
    };
  };
  const list = async (ctx: Context, kind: BlockKind) => {
    const query = ctx.state.query as PageQuery;
    const blocks = await listBlocks(knex, kind, query.limit, query.page_token);
    const shown = blocks.map((block) => presentBlock(block.target, block));
    return { shown, next_page_token: nextToken(blocks, query) };
  };

  router.get('/v2/admin/halts', ...staff, validateQuery(pageSchema), async (ctx) => {
    const { shown, next_page_token } = await list(ctx, 'halt');
    ctx.body = { halts: shown, next_page_token };
  });
  for (const [path, params] of [
    ['/v2/admin/halts/:symbol', validateParams(haltSymbolSchema)],
    ['/v2/admin/halts/:base/:quote', validateParams(pairParamsSchema)],
  ] as const) {
    const turnOn = replayable(knex, set(assetHalt));
    router.get(path, ...staff, params, read(assetHalt));
    router.post(path, ...staff, params, validateBody(reasonSchema), turnOn);
    router.delete(path, ...staff, params, validateReason, replayable(knex, lift(assetHalt)));
  }

  router.get('/v2/admin/kill_switch', ...staff, validateQuery(pageSchema), async (ctx) => {
    const { shown, next_page_token } = await list(ctx, 'kill');
    const everybody = await findBlock(knex, GLOBAL_KILL);
    ctx.body = { global: presentBlock(HOUSE, everybody), accounts: shown, next_page_token };
  });
  const killAll = replayable(knex, set(everybodysKill));
  router.put('/v2/admin/kill_switch', ...staff, validateBody(reasonSchema), killAll);
  const unkillAll = replayable(knex, lift(everybodysKill));
  router.delete('/v2/admin/kill_switch', ...staff, validateReason, unkillAll);

  for (const [path, kind] of [
    [killPath, 'kill'],
    [restrictionPath, 'restrict'],
  ] as const) {
    const find = ofAccount(kind);
    const turnOn = replayable(knex, set(find));
    router.get(path, ...staff, accountParams, read(find));
    router.put(path, ...staff, accountParams, validateBody(reasonSchema), turnOn);
    router.delete(path, ...staff, accountParams, validateReason, replayable(knex, lift(find)));
  }
  return router;
}

const GLOBAL_KILL: BlockSubject = { kind: 'kill', target: HOUSE };

const everybodysKill: FindSubject = () => Promise.resolve(GLOBAL_KILL);

const assetHalt: FindSubject = async (ctx, knex) => {
  const params = ctx.state.params as { symbol: string } | { base: string; quote: string };
  const name = 'symbol' in params ? params.symbol : `${params.base}/${params.quote}`;
  const target = await findAssetTarget(knex, name);
  if (!target) throw notFound(`asset ${name}`);
  return { kind: 'halt', target };
};

const ofAccount =
  (kind: BlockKind): FindSubject =>
  async (ctx, knex) => {
    const { account_id: id } = ctx.state.params as { account_id: string };
    const target = await findAccountTarget(knex, id);
    if (!target) throw notFound('account');
    return { kind, target };
  };
