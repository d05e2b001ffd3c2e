import type { Knex } from 'knex';
import { notFound } from '../errors.js';

/** A message as its client reads it in the app. */
export interface Message {
  readonly id: string;
  /** Its place in the client's list, from 1. */
  readonly number: bigint;
  readonly event: string;
  readonly data: object;
  readonly accountId: string | null;
  readonly createdAt: Date;
  readonly readAt: Date | null;
}

export interface MessagePage {
  readonly limit: number;
  /** Only what nobody has read. */
  readonly unread: boolean;
  /** Only what stands before this number. */
  readonly page_token?: string | undefined;
}

/** Beyond it nobody counts. */
export const UNREAD_COUNTED_MAX = 10_000;

const COLUMNS = {
  id: 'id',
  number: 'number',
  event: 'event',
  data: 'data',
  accountId: 'account_id',
  createdAt: 'created_at',
  readAt: 'read_at',
};

const listed = (knex: Knex, clientId: string) =>
  knex('messages').where({ client_id: clientId }).whereNotNull('number');

/** The newest first. */
export async function listMessages(
  knex: Knex,
  clientId: string,
  { limit, unread, page_token: before }: MessagePage,
): Promise<Message[]> {
  const query = listed(knex, clientId).orderBy('number', 'desc').limit(limit);
  if (unread) void query.whereNull('read_at');
  if (before !== undefined) void query.where('number', '<', before);
  return await query.select<Message[]>(COLUMNS);
}

/** How many messages nobody has read; counted up to a bound. */
export async function countUnread(knex: Knex, clientId: string): Promise<number> {
  const unread = listed(knex, clientId)
    .whereNull('read_at')
    .select('number')
    .limit(UNREAD_COUNTED_MAX)
    .as('unread');
  const [row] = await knex.from(unread).count<{ count: bigint }[]>('* as count');
  return Number(row!.count);
}

/** @throws DomainError 404 for what is not in this client's list */
async function requireMessage(knex: Knex, clientId: string, id: string): Promise<Message> {
  const message = await listed(knex, clientId).where({ id }).first<Message | undefined>(COLUMNS);
  if (!message) throw notFound('notification');
  return message;
}

/** Marks one message as read; the first time counts. @throws DomainError as requireMessage */
export async function markRead(
  trx: Knex.Transaction,
  clientId: string,
  id: string,
  now: Date,
): Promise<Message> {
  await listed(trx, clientId).where({ id }).whereNull('read_at').update({ read_at: now });
  return await requireMessage(trx, clientId, id);
}

/**
 * Marks a message and all before it as read, so that nothing is marked that came meanwhile.
 * @throws DomainError as requireMessage
 */
export async function markAllRead(
  trx: Knex.Transaction,
  clientId: string,
  upTo: string,
  now: Date,
): Promise<void> {
  const { number } = await requireMessage(trx, clientId, upTo);
  await listed(trx, clientId)
    .where('number', '<=', number.toString())
    .whereNull('read_at')
    .update({ read_at: now });
}

export const presentMessage = (message: Message): Record<string, unknown> => ({
  id: message.id,
  number: Number(message.number),
  event: message.event,
  account_id: message.accountId,
  data: message.data,
  created_at: message.createdAt.toISOString(),
  read_at: message.readAt?.toISOString() ?? null,
});
