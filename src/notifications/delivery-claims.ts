import type { Knex } from 'knex';
import type { Language, Told } from './events.js';
import { ADVISORY_LOCKS } from '../advisory-locks.js';

/** A message on its way by mail, with what the mail needs. */
export interface ClaimedDelivery {
  readonly messageId: string;
  readonly clientId: string;
  readonly email: string;
  /** What a mail server said of the address, if it takes no mail. */
  readonly undeliverable: string | null;
  readonly firstName: string;
  readonly language: Language;
  /** Null for a message about no account. */
  readonly accountNumber: string | null;
  readonly event: Told['event'];
  readonly data: object;
  readonly happenedAt: Date;
  /** Deliveries begun, this one included. */
  readonly attempts: number;
}

export interface ClaimTerms {
  readonly now: Date;
  readonly leaseMs: number;
  /** The most receivers. */
  readonly receiversMax: number;
  /** A receiver to whom a mail was sent since then has to wait. */
  readonly mailedBefore: Date;
}

/** Bounds the memory of one claim; what is left over follows in the next. */
const ROWS_MAX = 5_000;
/** Enough that one receiver with very much does not hide the others. */
const SCANNED_MAX = 100_000;

const LOCK = `select pg_advisory_xact_lock(${ADVISORY_LOCKS.claimMails})`;

/**
 * Whole receivers, those that wait longest first, with all that waits for them: the longer the backlog,
 * the more a mail tells, so that a limited number of mails keeps up with any number of messages. A
 * receiver of whose mails one is under way or put off waits until it is due again, so that nobody hears
 * of things out of their order.
 */
const CLAIM = `
  with due as (
    select client_id, due_at from message_deliveries
    where channel = 'email' and delivered_at is null and dead_at is null and due_at <= :now
    order by due_at limit :scannedMax
  ), waiting as (
    select d.client_id from due d
    left join message_receivers r on r.client_id = d.client_id
    where (r.mailed_at is null or r.mailed_at <= :mailedBefore)
      and not exists (
        select from message_deliveries e
        where e.client_id = d.client_id and e.channel = 'email' and e.delivered_at is null
          and e.dead_at is null and e.due_at > :now)
    group by d.client_id order by min(d.due_at), d.client_id limit :receiversMax
  ), chosen as (
    select e.message_id from message_deliveries e join waiting using (client_id)
    where e.channel = 'email' and e.delivered_at is null and e.dead_at is null
    order by e.message_id limit :rowsMax
  ), claimed as (
    update message_deliveries e set due_at = :leasedUntil, attempts = e.attempts + 1
    from chosen where e.message_id = chosen.message_id and e.channel = 'email'
    returning e.*
  )
  select d.message_id as "messageId", d.client_id as "clientId", c.email,
    c.email_undeliverable_reason as undeliverable,
    c.first_name as "firstName", c.language, a.account_number as "accountNumber", m.event, m.data,
    d.happened_at as "happenedAt", d.attempts
  from claimed d
  join messages m on m.id = d.message_id
  join clients c on c.id = d.client_id
  left join accounts a on a.id = m.account_id
  order by d.message_id`;

/**
 * Takes deliveries that are due: until the lease runs out nobody else gets them. One claim at a time,
 * or two could take parts of what waits for the same receiver.
 * @returns in the order in which the messages were written
 */
export const claimDeliveries = (
  knex: Knex,
  { now, leaseMs, receiversMax, mailedBefore }: ClaimTerms,
): Promise<ClaimedDelivery[]> =>
  knex.transaction(async (trx) => {
    await trx.raw(LOCK);
    const leasedUntil = new Date(now.getTime() + leaseMs);
    const bindings = { now, leasedUntil, receiversMax, mailedBefore };
    const bounds = { rowsMax: ROWS_MAX, scannedMax: SCANNED_MAX };
    const { rows } = await trx.raw<{ rows: ClaimedDelivery[] }>(CLAIM, { ...bindings, ...bounds });
    return rows;
  });

const pending = (knex: Knex, messageIds: readonly string[]) =>
  knex('message_deliveries')
    .whereRaw('message_id = any(?::uuid[])', [[...messageIds]])
    .where({ channel: 'email' })
    .whereNull('delivered_at');

/** Their receiver has a mail, and gets no other one for a while. */
export async function markDelivered(
  knex: Knex,
  { clientId, messageIds }: { clientId: string; messageIds: readonly string[] },
  now: Date,
): Promise<void> {
  await pending(knex, messageIds).update({ delivered_at: now, last_error: null });
  await knex('message_receivers')
    .insert({ client_id: clientId, mailed_at: now })
    .onConflict('client_id')
    .merge(['mailed_at']);
}

/** @param reason why it failed */
export async function putOff(
  knex: Knex,
  messageIds: readonly string[],
  dueAt: Date,
  reason: string,
): Promise<void> {
  await pending(knex, messageIds).update({ due_at: dueAt, last_error: reason });
}

/** Gives them up: they are in the list of dead letters from now on. */
export async function bury(
  knex: Knex,
  messageIds: readonly string[],
  now: Date,
  reason: string,
): Promise<void> {
  await pending(knex, messageIds).update({ dead_at: now, last_error: reason });
}
