import type { Knex } from 'knex';

/**
 * What is deleted when it is old enough. First answers to an Idempotency-Key are kept at least a day
 * (the wire contract); we keep two. A refresh token that was spent is kept until it would have expired:
 * somebody may come with a copy.
 */
const PURGED = [
  { table: 'idempotency_keys', where: `created_at < now() - interval '48 hours'` },
  { table: 'request_keys', where: `created_at < now() - interval '48 hours'` },
  { table: 'webhook_deliveries', where: `updated_at < now() - interval '30 days'` },
  { table: 'mails', where: `delivered_at < now() - interval '30 days'` },
  { table: 'message_deliveries', where: `delivered_at < now() - interval '30 days'` },
  { table: 'execution_passes', where: `settled_at < now() - interval '30 days'` },
  { table: 'refresh_tokens', where: 'expires_at < now()' },
  { table: 'mfa_challenges', where: `expires_at < now() - interval '1 day'` },
  { table: 'one_time_codes', where: `expires_at < now() - interval '7 days'` },
  { table: 'attempt_limits', where: 'expire < extract(epoch from now()) * 1000' },
  { table: 'sessions', where: `expires_at < now() - interval '90 days'` },
  { table: 'order_traces', where: `created_at < now() - interval '2 days'` },
  { table: 'surveillance_volumes', where: `day < now() - interval '30 days'` },
] as const;
const BATCH = 10_000;

/** Deletes everything that is old enough, in short transactions. */
export async function purgeOld(knex: Knex): Promise<void> {
  for (const old of PURGED) while ((await purge(knex, old)) > 0);
}

/** Deletes some of a table's rows that are old enough. @returns how many */
async function purge(knex: Knex, { table, where }: (typeof PURGED)[number]): Promise<number> {
  const { rowCount } = await knex.raw<{ rowCount: number }>(
    `delete from ${table} where ctid = any(array(
       select ctid from ${table} where ${where} limit ${BATCH}))`,
  );
  return rowCount;
}
