import type { Knex } from 'knex';

/** A notification with what its mail needs. Quantities in 10^-9 units, money in 10^-4 USD. */
export interface ClaimedNotification {
  id: bigint;
  accountId: string;
  accountNumber: string;
  email: string;
  firstName: string;
  /** What a mail server said of the address, if it takes no mail. */
  undeliverable: string | null;
  orderId: string;
  symbol: string;
  side: 'buy' | 'sell';
  status: string;
  executions: number;
  qty: bigint;
  value: bigint;
  fees: bigint;
  /** Deliveries begun, this one included. */
  attempts: number;
}

/** Bounds the memory of one claim; what is left over follows in the next. */
const ROWS_MAX = 10_000;
const ERROR_LENGTH_MAX = 500;

/** The accounts whose clients want no mails about executions; few, and all of them at hand. */
const UNWANTED = `(select account_id from account_configurations
  where trade_confirm_email = 'none')`;

/**
 * Whole accounts, those that wait longest first: the longer the backlog, the more a mail tells, so
 * that a limited number of mails keeps up with any number of executions. One statement and thus one
 * short transaction; rows that somebody else is claiming are skipped.
 */
const CLAIM_DUE = `
  with waiting as (
    select account_id from notifications
    where delivered_at is null and due_at <= :now and account_id not in ${UNWANTED}
    group by account_id order by min(due_at), account_id limit :accountsMax
  ), chosen as (
    select n.id from notifications n join waiting using (account_id)
    where n.delivered_at is null and n.due_at <= :now
    order by n.due_at, n.id limit :rowsMax
    for update of n skip locked
  ), claimed as (
    update notifications n set due_at = :leasedUntil, attempts = n.attempts + 1
    from chosen where n.id = chosen.id
    returning n.*
  )
  select n.id, n.account_id as "accountId", a.account_number as "accountNumber", c.email,
    c.first_name as "firstName", c.email_undeliverable_reason as undeliverable, n.order_id as "orderId", s.symbol, o.side,
    n.order_status as status, n.executions, n.qty, n.value, n.fees, n.attempts
  from claimed n
  join accounts a on a.id = n.account_id
  join clients c on c.id = a.client_id
  join orders o on o.id = n.order_id
  join assets s on s.id = o.asset_id
  order by n.id`;

/**
 * Takes notifications that are due: until the lease runs out nobody else gets them.
 * @param accountsMax the most accounts
 * @returns in the order they came about
 */
export async function claimDue(
  knex: Knex,
  now: Date,
  leaseMs: number,
  accountsMax: number,
): Promise<ClaimedNotification[]> {
  const leasedUntil = new Date(now.getTime() + leaseMs);
  const bindings = { now, leasedUntil, accountsMax, rowsMax: ROWS_MAX };
  const { rows } = await knex.raw<{ rows: ClaimedNotification[] }>(CLAIM_DUE, bindings);
  return rows;
}

/**
 * Lets go of what is due to clients who want no such mails: it is never due again, also when they
 * change their mind, or they would get the mails of months at once.
 * @returns how many
 */
export async function withholdUnwanted(knex: Knex, now: Date): Promise<number> {
  return await knex('notifications')
    .whereNull('delivered_at')
    .where('due_at', '<=', now)
    .whereRaw(`account_id in ${UNWANTED}`)
    .update({ due_at: 'infinity', last_error: 'the client wants no mails about executions' });
}

export async function markDelivered(knex: Knex, ids: readonly bigint[], now: Date): Promise<void> {
  await knex('notifications')
    .whereRaw('id = any(?)', [ids.map(String)])
    .whereNull('delivered_at')
    .update({ delivered_at: now, last_error: null });
}

/**
 * @param dueAt  when to try again; null for never
 * @param reason why it failed
 */
export async function putOff(
  knex: Knex,
  ids: readonly bigint[],
  dueAt: Date | null,
  reason: string,
): Promise<void> {
  await knex('notifications')
    .whereRaw('id = any(?)', [ids.map(String)])
    .whereNull('delivered_at')
    .update({
      due_at: dueAt ?? 'infinity',
      last_error: reason.replaceAll('\0', '').slice(0, ERROR_LENGTH_MAX),
    });
}
