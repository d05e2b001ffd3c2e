import type { Knex } from 'knex';
import { shardQueueName } from '../queue/queues.js';
import type { OrderStatus } from './model.js';

/** An order with the settling transactions that changed it first and last. */
export interface Timeline {
  readonly orderId: string;
  readonly status: OrderStatus;
  readonly shard: number;
  /** When its row and its work item were committed. */
  readonly acceptedAt: Date;
  /** None, one, or the first and the last; passes are kept for 30 days. */
  readonly passes: readonly Pass[];
}

/** One settling transaction, as far as it concerns an order. */
interface Pass {
  readonly id: string;
  readonly isFirst: boolean;
  readonly worker: string;
  readonly attempt: number;
  readonly jobs: readonly string[];
  readonly items: number;
  readonly pickedUpAt: Date;
  readonly matchedAt: Date;
  readonly settledAt: Date;
  /** When it became a message to the client; null while it is none. */
  readonly notifiedAt: Date | null;
}

type PassRow = Omit<Pass, 'notifiedAt'>;

interface OrderRow {
  orderId: string;
  status: OrderStatus;
  shard: number;
  acceptedAt: Date;
  firstPass: string | null;
  lastPass: string | null;
}

const FIND_PASSES = `
  select id, id = ? as "isFirst", worker, attempt, jobs, items, picked_up_at as "pickedUpAt",
    matched_at as "matchedAt", settled_at as "settledAt"
  from execution_passes where id in (?, ?) order by settled_at, id`;

/**
 * What became of an order, and when.
 * @param accountId only if it is this account's; null for any account's
 * @returns undefined when there is no such order
 */
export async function findTimeline(
  knex: Knex,
  orderId: string,
  accountId: string | null,
): Promise<Timeline | undefined> {
  const order = await knex('orders')
    .where({ id: orderId, ...(accountId !== null && { account_id: accountId }) })
    .first<OrderRow | undefined>({
      orderId: 'id',
      status: 'status',
      shard: 'shard',
      acceptedAt: 'created_at',
      firstPass: 'first_pass',
      lastPass: 'last_pass',
    });
  if (!order) return undefined;
  const { firstPass, lastPass, ...terms } = order;
  if (firstPass === null) return { ...terms, passes: [] };
  const bindings = [firstPass, firstPass, lastPass ?? firstPass];
  const { rows } = await knex.raw<{ rows: PassRow[] }>(FIND_PASSES, bindings);
  const passes = rows.map(async (pass) => ({
    ...pass,
    notifiedAt: await findNotified(knex, orderId, pass),
  }));
  return { ...terms, passes: await Promise.all(passes) };
}

/**
 * A pass writes its notifications while it holds the order's shard, between matching and settling:
 * no other pass does so in that time. Their time leads to them (a BRIN index), not the order's id,
 * which no index of this busy table has. The times are values and not columns of a join, or Postgres
 * could not know that they are few; and an aggregate has no order that another index would give.
 */
async function findNotified(
  knex: Knex,
  orderId: string,
  { matchedAt, settledAt }: PassRow,
): Promise<Date | null> {
  const found = await knex('notifications')
    .where('created_at', '>=', matchedAt)
    .where('created_at', '<', new Date(settledAt.getTime() + 1)) // Postgres has microseconds
    .where({ order_id: orderId })
    .min<{ at: Date | null }[]>('delivered_at as at');
  return found[0]?.at ?? null;
}

const BOARD = '/admin/queues/queue';

/**
 * A timeline as the API shows it: what has not happened has no time.
 * @param withLinks adds where Bull Board shows the jobs; for those who may look there
 */
export function presentTimeline(timeline: Timeline, withLinks: boolean): Record<string, unknown> {
  const { orderId, status, shard, acceptedAt, passes } = timeline;
  const first = passes.find(({ isFirst }) => isFirst);
  let before: Date | null = acceptedAt;
  const shown = passes.map((pass) => {
    const stages = passStages(pass, shard, before, withLinks);
    before = pass.settledAt;
    return { id: pass.id, items: pass.items, stages };
  });
  return {
    order_id: orderId,
    status,
    stages: [
      stage('accepted', acceptedAt, null),
      { ...stage('queued', acceptedAt, acceptedAt), queue: shardQueueName(shard) },
      ...passStages(first, shard, acceptedAt, withLinks),
    ],
    passes: shown,
  };
}

const passStages = (
  pass: Pass | undefined,
  shard: number,
  before: Date | null,
  withLinks: boolean,
): Record<string, unknown>[] => [
  {
    ...stage('picked_up', pass?.pickedUpAt, before),
    worker: pass?.worker ?? null,
    attempt: pass?.attempt ?? null,
    jobs: pass ? jobsOf(pass, shard, withLinks) : [],
  },
  stage('executed', pass?.matchedAt, pass?.pickedUpAt),
  stage('settled', pass?.settledAt, pass?.matchedAt),
  stage('notified', pass?.notifiedAt, pass?.settledAt),
];

/** @param before the time of the stage before */
const stage = (name: string, at: Date | null | undefined, before: Date | null | undefined) => ({
  stage: name,
  at: at?.toISOString() ?? null,
  duration_ms: at && before ? Math.max(0, at.getTime() - before.getTime()) : null,
});

/**
 * The jobs of the order's own queue: a pass serves several shards at once. A job is recorded as
 * `orders-3/42`; without a queue it counts as the order's.
 */
function jobsOf({ jobs }: Pass, shard: number, withLinks: boolean): Record<string, string>[] {
  const own = shardQueueName(shard);
  return jobs.flatMap((job) => {
    const slash = job.indexOf('/');
    const queue = slash < 0 ? own : job.slice(0, slash);
    if (queue !== own) return [];
    const id = job.slice(slash + 1);
    const url = `${BOARD}/${queue}/${encodeURIComponent(id)}`;
    return [{ queue, id, ...(withLinks && { bull_board_url: url }) }];
  });
}
