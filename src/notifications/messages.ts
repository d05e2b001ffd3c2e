import type { Knex } from 'knex';
import { newId } from '../ids.js';
import { notificationLatency, notificationsQueued, notificationsSent } from '../metrics.js';
import type { NotificationEvent, Told } from './events.js';
import { Wishes, type Receiver } from './preferences.js';

/** Something to tell a client, before it is written. */
export interface MessageDraft extends Receiver {
  readonly told: Told;
  /** Other events that it tells of, too: whoever wants one of them by a channel gets it there. */
  readonly alsoTells?: readonly NotificationEvent[];
  /** A mail is sent whatever was chosen: another channel has failed. */
  readonly mailAnyway?: boolean;
  /** The line of the account's log that says the same. */
  readonly accountEventId?: bigint | null;
  /** When the first of its facts was committed. */
  readonly happenedAt: Date;
}

interface MessageRow {
  id: string;
  client_id: string;
  account_id: string | null;
  number: string | null;
  event: string;
  data: object;
  account_event_id: string | null;
  happened_at: Date;
  isListed: boolean;
  wantsMail: boolean;
}

const COUNT_UP = `
  insert into message_receivers as r (client_id, last_number)
  select u.client_id, u.more from unnest(:clientIds::uuid[], :more::bigint[]) as u (client_id, more)
  order by u.client_id
  on conflict (client_id) do update set last_number = r.last_number + excluded.last_number
  returning client_id as "clientId", last_number as "lastNumber"`;

const INSERT_MESSAGES = `
  insert into messages (id, client_id, account_id, number, event, data, account_event_id,
    happened_at, created_at)
  select m.id, m.client_id, m.account_id, m.number, m.event, m.data, m.account_event_id,
    m.happened_at, :now::timestamptz
  from jsonb_to_recordset(:rows::jsonb) as m (id uuid, client_id uuid, account_id uuid,
    number bigint, event text, data jsonb, account_event_id bigint, happened_at timestamptz)`;

const INSERT_DELIVERIES = `
  insert into message_deliveries (message_id, channel, client_id, happened_at, due_at)
  select u.id, 'email', u.client_id, u.happened_at, :now::timestamptz
  from unnest(:ids::uuid[], :clientIds::uuid[], :times::timestamptz[])
    as u (id, client_id, happened_at)`;

/**
 * Writes messages, and a delivery for each channel by which its client wants it; in the transaction of
 * the facts, and as its last locks. For any number of messages it is the same few statements.
 * @returns the ids, in the order of the drafts
 */
export async function writeMessages(
  trx: Knex.Transaction,
  drafts: readonly MessageDraft[],
  now: Date,
): Promise<string[]> {
  if (drafts.length === 0) return [];
  const wishes = await Wishes.of(trx, drafts);
  const rows = drafts.map((draft) => rowOf(draft, wishes));
  await giveNumbers(
    trx,
    rows.filter(({ isListed }) => isListed),
  );
  await trx.raw(INSERT_MESSAGES, { rows: JSON.stringify(rows), now });
  const mailed = rows.filter(({ wantsMail }) => wantsMail);
  if (mailed.length > 0) {
    await trx.raw(INSERT_DELIVERIES, {
      ids: mailed.map(({ id }) => id),
      clientIds: mailed.map(({ client_id }) => client_id),
      times: mailed.map(({ happened_at }) => happened_at.toISOString()),
      now,
    });
  }
  measure(rows, now);
  return rows.map(({ id }) => id);
}

function rowOf(draft: MessageDraft, wishes: Wishes): MessageRow {
  const { told, alsoTells = [] } = draft;
  const tells = [told.event, ...alsoTells];
  const isWanted = (channel: 'email' | 'in_app'): boolean =>
    tells.some((event) => wishes.wants(draft, event, channel));
  return {
    id: newId(),
    client_id: draft.clientId,
    account_id: draft.accountId,
    number: null,
    event: told.event,
    data: told.data,
    account_event_id: draft.accountEventId?.toString() ?? null,
    happened_at: draft.happenedAt,
    isListed: isWanted('in_app'),
    wantsMail: draft.mailAnyway === true || isWanted('email'),
  };
}

/** Gives each message its place in its client's list, under the receivers' locks. */
async function giveNumbers(trx: Knex.Transaction, listed: readonly MessageRow[]): Promise<void> {
  if (listed.length === 0) return;
  const more = new Map<string, number>();
  for (const { client_id: id } of listed) more.set(id, (more.get(id) ?? 0) + 1);
  const counted = await trx.raw<{ rows: { clientId: string; lastNumber: bigint }[] }>(COUNT_UP, {
    clientIds: [...more.keys()],
    more: [...more.values()],
  });
  const next = new Map(
    counted.rows.map(({ clientId, lastNumber }) => [
      clientId,
      lastNumber - BigInt(more.get(clientId)!) + 1n,
    ]),
  );
  for (const row of listed) {
    const place = next.get(row.client_id)!;
    row.number = place.toString();
    next.set(row.client_id, place + 1n);
  }
}

/** The row is the delivery in the app. */
function measure(rows: readonly MessageRow[], now: Date): void {
  for (const row of rows) {
    if (row.wantsMail) notificationsQueued.inc({ channel: 'email' });
    if (!row.isListed) continue;
    notificationsQueued.inc({ channel: 'in_app' });
    notificationsSent.inc({ channel: 'in_app' });
    const seconds = (now.getTime() - row.happened_at.getTime()) / 1_000;
    notificationLatency.observe({ channel: 'in_app' }, Math.max(0, seconds));
  }
}
