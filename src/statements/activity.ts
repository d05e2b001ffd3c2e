import type { Knex } from 'knex';
import { listActivities, type Activity, type JournalType } from '../activities/model.js';
import type { Position } from '../activities/activity-id.js';
import type { Statement } from './model.js';

const PAGE = 500;
const JOURNAL_TYPES: readonly JournalType[] = ['CSD', 'CSW', 'JNLC', 'JNLS'];

/**
 * What a statement counts, in the order in which it happened on the account; read page by page while
 * it is consumed, so that a day of any length takes little memory.
 * @param fees whether a trade's fee comes as an activity of its own, as in `/v2/account/activities`
 */
export async function* readActivity(
  knex: Knex,
  { accountId, opensAt, closesAt }: Pick<Statement, 'accountId' | 'opensAt' | 'closesAt'>,
  fees: boolean,
): AsyncGenerator<Activity> {
  // A statement begins with its opening, which is the close of the one before; `after` is beyond.
  const after = opensAt && new Date(opensAt.getTime() - 1);
  let cursor: Position | undefined;
  for (;;) {
    const page = await listActivities(knex, accountId, {
      fills: true,
      fees,
      journalTypes: JOURNAL_TYPES,
      direction: 'asc',
      limit: PAGE,
      ...(after && { after }),
      until: closesAt,
      cursor,
    });
    yield* page;
    if (page.length < PAGE) return;
    cursor = page.at(-1)!.position;
  }
}
