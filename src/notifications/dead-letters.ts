import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { DomainError, notFound } from '../errors.js';
import { listDeadWebhooks, redriveDeadWebhook } from '../webhooks/dead-letters.js';

/** A delivery that was given up. */
export interface DeadLetterRow {
  readonly id: string;
  readonly channel: string;
  /** What it tells: an event, or the kind of a mail. */
  readonly event: string;
  readonly clientId: string | null;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly createdAt: Date;
  readonly deadAt: Date;
}

export interface DeadLetterPage {
  readonly limit: number;
  /** Only those before this one: they are listed by id, the newest first. */
  readonly page_token?: string | undefined;
}

const LIST_MAILS = `
  select * from (
    select d.message_id as id, d.channel, m.event, d.client_id as "clientId", d.attempts,
      d.last_error as "lastError", m.created_at as "createdAt", d.dead_at as "deadAt"
    from message_deliveries d join messages m on m.id = d.message_id
    where d.channel = 'email' and d.dead_at is not null
    union all
    select id, 'email', kind, client_id, attempts, last_error, created_at, dead_at
    from mails where dead_at is not null
  ) as dead
  where id < coalesce(:before::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  order by id desc limit :limit`;

/** Mails that were given up: messages, and what else is sent. */
async function listDeadMails(
  knex: Knex,
  { limit, page_token: before }: DeadLetterPage,
): Promise<DeadLetterRow[]> {
  const bindings = { limit, before: before ?? null };
  const { rows } = await knex.raw<{ rows: DeadLetterRow[] }>(LIST_MAILS, bindings);
  return rows;
}

async function redriveMail(trx: Knex.Transaction, id: string): Promise<Redriven | undefined> {
  const deliveries = () => trx('message_deliveries').where({ message_id: id, channel: 'email' });
  const mails = () => trx('mails').where({ id });
  const alive = { attempts: 0, due_at: new Date(), dead_at: null };
  for (const rows of [deliveries, mails]) {
    const [found] = await rows()
      .forUpdate()
      .select<{ clientId: string | null; deadAt: Date | null }[]>(
        'client_id as clientId',
        'dead_at as deadAt',
      );
    if (!found) continue;
    if (found.deadAt === null) throw alreadyAlive();
    await rows().update(alive);
    return found;
  }
  return undefined;
}

const alreadyAlive = (): DomainError =>
  new DomainError('conflict', 40910000, 'This was not given up, or is being tried again already');

/** Whose delivery is due again. */
interface Redriven {
  readonly clientId: string | null;
}

interface DeadLetterSource {
  list(knex: Knex, page: DeadLetterPage): Promise<DeadLetterRow[]>;
  /** @returns undefined when there is nothing with this id. @throws DomainError 409 when it is not dead */
  redrive(trx: Knex.Transaction, id: string): Promise<Redriven | undefined>;
}

/** Where dead letters are, by channel. */
export const DEAD_LETTERS = {
  email: { list: listDeadMails, redrive: redriveMail },
  webhook: { list: listDeadWebhooks, redrive: redriveDeadWebhook },
} as const satisfies Readonly<Record<string, DeadLetterSource>>;

export type DeadChannel = keyof typeof DEAD_LETTERS;
export const deadChannels = Object.keys(DEAD_LETTERS) as DeadChannel[];

/**
 * Makes a delivery due that was given up, with all its attempts before it again. Nudge its channel
 * after the commit.
 * @throws DomainError 404 when there is nothing with this id, 409 when it is not dead (any more)
 */
export async function redrive(trx: Knex.Transaction, id: string, by: Actor): Promise<void> {
  for (const channel of deadChannels) {
    const found = await DEAD_LETTERS[channel].redrive(trx, id);
    if (!found) continue;
    await recordAct(trx, by, {
      action: 'notification.redriven',
      subject: { client_id: found.clientId, notification_id: id },
      after: { channel },
    });
    return;
  }
  throw notFound('dead letter');
}

export const presentDeadLetter = (row: DeadLetterRow): Record<string, unknown> => ({
  id: row.id,
  channel: row.channel,
  event: row.event,
  client_id: row.clientId,
  attempts: row.attempts,
  last_error: row.lastError,
  created_at: row.createdAt.toISOString(),
  dead_at: row.deadAt.toISOString(),
});
