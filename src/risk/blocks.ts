import type { Knex } from 'knex';
import { newId } from '../ids.js';
import {
  recordChange,
  type Author,
  type ControlAction,
  type ControlTarget,
} from './control-changes.js';

export type BlockKind = 'kill' | 'restrict' | 'halt';

/** What is blocked, and for whom. */
export interface BlockSubject {
  readonly kind: BlockKind;
  readonly target: ControlTarget;
}

/** Something that must not trade; while its row is there, it does not. */
export interface Block {
  readonly id: string;
  readonly reason: string;
  readonly createdBy: string | null;
  readonly createdAt: Date;
}

export interface ListedBlock extends Block {
  readonly target: ControlTarget;
}

const NAMES = { kill: 'kill_switch', restrict: 'restriction', halt: 'halt' } as const;

const COLUMNS = {
  id: 'trading_blocks.id',
  reason: 'trading_blocks.reason',
  createdBy: 'trading_blocks.created_by',
  createdAt: 'trading_blocks.created_at',
};

function rowOf({ kind, target }: BlockSubject) {
  const id = target.account_id ?? target.asset_id;
  const scope = target.account_id ? 'account' : target.asset_id ? 'asset' : 'global';
  return { kind, scope, target: id };
}

/** The block in force; undefined when there is none. */
export const findBlock = async (knex: Knex, subject: BlockSubject): Promise<Block | undefined> =>
  await knex('trading_blocks').where(rowOf(subject)).first<Block | undefined>(COLUMNS);

/** Whether a suspension of the client turns a kill switch on or lifts it, rather than somebody. */
export interface BlockOrigin {
  readonly bySuspension: boolean;
}

/** Which blocks to lift. */
export interface LiftedBlock extends BlockOrigin {
  readonly id?: string;
}

/**
 * Blocks, and records it; what is blocked already stays as it is, with its first reason. But a halt that
 * a job has set becomes that of the person who asks for one, so that the job does not lift it.
 */
export async function setBlock(
  trx: Knex.Transaction,
  subject: BlockSubject,
  author: Author,
  { bySuspension }: BlockOrigin = { bySuspension: false },
): Promise<Block> {
  const block: Block = {
    id: newId(),
    reason: author.reason,
    createdBy: author.by.clientId,
    createdAt: new Date(),
  };
  const inserted = await trx('trading_blocks')
    .insert({
      ...rowOf(subject),
      id: block.id,
      reason: block.reason,
      created_by: block.createdBy,
      created_at: block.createdAt,
      by_suspension: bySuspension,
    })
    .onConflict()
    .ignore()
    .returning('id');
  if (inserted.length === 0) {
    const standing = await findBlock(trx, subject);
    if (standing && !isTakenOver(subject, standing, block)) return standing;
    // The new row comes with the end of the transaction: nobody sees the asset without a halt.
    if (standing) await trx('trading_blocks').where('id', standing.id).delete();
    return setBlock(trx, subject, author, { bySuspension });
  }
  await record(trx, subject, author, { before: undefined, after: block });
  return block;
}

const isTakenOver = ({ kind }: BlockSubject, standing: Block, block: Block): boolean =>
  kind === 'halt' && standing.createdBy === null && block.createdBy !== null;

/**
 * Lifts the block, if there is one, and records it.
 * @param which with `bySuspension` only what a suspension turned on, with `id` only that one; else
 *   whatever there is
 */
export async function liftBlock(
  trx: Knex.Transaction,
  subject: BlockSubject,
  author: Author,
  { bySuspension, id }: LiftedBlock = { bySuspension: false },
): Promise<void> {
  const [lifted] = await trx('trading_blocks')
    .where({
      ...rowOf(subject),
      ...(bySuspension && { by_suspension: true }),
      ...(id !== undefined && { id }),
    })
    .delete()
    .returning<Block[]>(['id', 'reason', 'created_by as createdBy', 'created_at as createdAt']);
  if (lifted) await record(trx, subject, author, { before: lifted, after: undefined });
}

function record(
  trx: Knex.Transaction,
  { kind, target }: BlockSubject,
  author: Author,
  { before, after }: { before: Block | undefined; after: Block | undefined },
): Promise<void> {
  const action: ControlAction = `${NAMES[kind]}.${after ? 'set' : 'lift'}`;
  const state = (block: Block | undefined) => block && { active: true, ...presentState(block) };
  return recordChange(trx, author, {
    action,
    target,
    before: state(before) ?? null,
    after: state(after) ?? null,
  });
}

/**
 * The blocks of a kind that are about one account or asset each, the oldest first.
 * @param afterId only those after this one
 */
export async function listBlocks(
  knex: Knex,
  kind: BlockKind,
  limit: number,
  afterId?: string,
): Promise<ListedBlock[]> {
  const query = knex('trading_blocks')
    .leftJoin('assets', 'assets.id', 'trading_blocks.target')
    .where({ kind, scope: kind === 'halt' ? 'asset' : 'account' })
    .orderBy('trading_blocks.id')
    .limit(limit)
    .select<(Block & { scope: string; target: string; symbol: string | null })[]>({
      ...COLUMNS,
      scope: 'scope',
      target: 'target',
      symbol: 'assets.symbol',
    });
  if (afterId !== undefined) void query.where('trading_blocks.id', '>', afterId);
  return (await query).map(({ scope, target, symbol, ...block }) => ({
    ...block,
    target: {
      account_id: scope === 'account' ? target : null,
      asset_id: scope === 'asset' ? target : null,
      symbol,
    },
  }));
}

const presentState = (block: Block | undefined) => ({
  reason: block?.reason ?? null,
  created_by: block?.createdBy ?? null,
  created_at: block?.createdAt.toISOString() ?? null,
});

/** A control and whether it is on. */
export const presentBlock = (
  target: ControlTarget,
  block: Block | undefined,
): Record<string, unknown> => ({
  ...target,
  active: block !== undefined,
  ...presentState(block),
});
