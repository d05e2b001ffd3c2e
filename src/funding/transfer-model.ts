import type { Knex } from 'knex';
import { OPEN_STATUSES, type TransferStatus } from '../domain/transfer-state.js';
import { newId } from '../ids.js';

export type Direction = 'incoming' | 'outgoing';
export type TransferType = 'ach' | 'wire';

/** A movement of money between a client's bank account and theirs with us; amounts in 10^-4 USD. */
export interface Transfer {
  readonly id: string;
  readonly accountId: string;
  readonly clientId: string;
  readonly bankAccountId: string;
  readonly direction: Direction;
  readonly type: TransferType;
  readonly amount: bigint;
  readonly status: TransferStatus;
  readonly reason: string | null;
  /** The last of the provider's events that took effect. */
  readonly providerSequence: number;
  /** What it has left the client owing. */
  readonly owed: bigint;
  readonly disputed: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly expiresAt: Date;
  readonly sentAt: Date | null;
  readonly settledAt: Date | null;
}

/** What an account has, read under its lock; money in 10^-4 USD. */
export interface LockedAccount {
  readonly id: string;
  readonly clientId: string;
  readonly clientStatus: string;
  readonly cash: bigint;
  readonly cashHeld: bigint;
  /** Staff have restricted it. */
  readonly restricted: boolean;
}

const COLUMNS = {
  id: 't.id',
  accountId: 't.account_id',
  clientId: 'a.client_id',
  bankAccountId: 't.bank_account_id',
  direction: 't.direction',
  type: 't.type',
  amount: 't.amount',
  status: 't.status',
  reason: 't.reason',
  providerSequence: 't.provider_sequence',
  owed: 't.owed',
  disputed: 't.disputed',
  createdAt: 't.created_at',
  updatedAt: 't.updated_at',
  expiresAt: 't.expires_at',
  sentAt: 't.sent_at',
  settledAt: 't.settled_at',
};

const transfers = (knex: Knex) =>
  knex('transfers as t').join('accounts as a', 'a.id', 't.account_id');

/** @param accountId only of this account: another one's is not there */
export async function findTransfer(
  knex: Knex,
  id: string,
  accountId?: string,
): Promise<Transfer | undefined> {
  const query = transfers(knex).where('t.id', id);
  if (accountId !== undefined) void query.where('t.account_id', accountId);
  return await query.first<Transfer | undefined>(COLUMNS);
}

export interface TransferFilter {
  readonly account_id?: string;
  readonly direction?: Direction;
  readonly statuses?: readonly TransferStatus[];
  readonly disputed?: boolean;
  readonly after?: Date;
  readonly until?: Date;
  /** Only older ones than this id. */
  readonly page_token?: string;
  readonly limit: number;
}

/** A page of transfers, newest first. */
export async function listTransfers(knex: Knex, filter: TransferFilter): Promise<Transfer[]> {
  const query = transfers(knex).orderBy('t.id', 'desc').limit(filter.limit);
  if (filter.account_id !== undefined) void query.where('t.account_id', filter.account_id);
  if (filter.direction !== undefined) void query.where('t.direction', filter.direction);
  if (filter.statuses !== undefined) void query.whereIn('t.status', filter.statuses);
  if (filter.disputed !== undefined) void query.where('t.disputed', filter.disputed);
  if (filter.after !== undefined) void query.where('t.created_at', '>', filter.after);
  if (filter.until !== undefined) void query.where('t.created_at', '<', filter.until);
  if (filter.page_token !== undefined) void query.where('t.id', '<', filter.page_token);
  return await query.select<Transfer[]>(COLUMNS);
}

/**
 * Locks a client's account, in the place of the global lock order where accounts stand; undefined when
 * there is none. Whoever changes a transfer holds its account's lock.
 */
export async function lockAccount(
  trx: Knex.Transaction,
  accountId: string,
): Promise<LockedAccount | undefined> {
  // The lock first, in a statement of its own: the next one sees what was committed before it.
  await trx.raw('select id from accounts where id = ? for no key update', [accountId]);
  const { rows } = await trx.raw<{ rows: LockedAccount[] }>(
    `select a.id, a.client_id as "clientId", c.status as "clientStatus", a.cash,
       a.cash_held as "cashHeld",
       exists (select from trading_blocks b where b.kind = 'restrict' and b.scope = 'account'
         and b.target = a.id) as restricted
     from accounts a join clients c on c.id = a.client_id
     where a.id = ?`,
    [accountId],
  );
  return rows[0];
}

/** Locks a transfer's account and reads both; undefined when there is no such transfer. */
export async function lockTransfer(
  trx: Knex.Transaction,
  id: string,
): Promise<{ transfer: Transfer; account: LockedAccount } | undefined> {
  const found = await findTransfer(trx, id);
  if (!found) return undefined;
  const account = (await lockAccount(trx, found.accountId))!;
  const transfer = (await findTransfer(trx, id))!; // as it is now that nobody changes it any more
  return { transfer, account };
}

/** Changes the cash that an account holds for withdrawals. The database refuses to hold too much. */
export async function changeHold(
  trx: Knex.Transaction,
  accountId: string,
  amount: bigint,
): Promise<void> {
  await trx('accounts')
    .where({ id: accountId })
    .increment('cash_held', amount as never);
}

/** One line of a transfer's history. */
export interface TransferEvent {
  readonly id: string;
  readonly type: string;
  readonly status: TransferStatus;
  readonly providerEventId: string | null;
  readonly reason: string | null;
  readonly occurredAt: Date;
}

export async function addEvent(
  trx: Knex.Transaction,
  transferId: string,
  event: Omit<TransferEvent, 'id'>,
): Promise<void> {
  await trx('transfer_events').insert({
    id: newId(),
    transfer_id: transferId,
    type: event.type,
    status: event.status,
    provider_event_id: event.providerEventId,
    reason: event.reason,
    occurred_at: event.occurredAt,
  });
}

/** A transfer's history, the oldest first. */
export const listEvents = async (knex: Knex, transferId: string): Promise<TransferEvent[]> =>
  await knex('transfer_events')
    .where({ transfer_id: transferId })
    .orderBy('id')
    .select<TransferEvent[]>({
      id: 'id',
      type: 'type',
      status: 'status',
      providerEventId: 'provider_event_id',
      reason: 'reason',
      occurredAt: 'occurred_at',
    });

export const isOpen = ({ status }: Pick<Transfer, 'status'>): boolean =>
  (OPEN_STATUSES as readonly TransferStatus[]).includes(status);
