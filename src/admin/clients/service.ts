import type { Knex } from 'knex';
import { revokeAllKeys } from '../../api-keys/service.js';
import type { AuditAction } from '../../audit/actions.js';
import { recordAct } from '../../audit/record.js';
import { formatDecimal, PRICE_SCALE } from '../../domain/money.js';
import { DomainError, forbidden, notFound } from '../../errors.js';
import type { ClientStatus } from '../../identity/model.js';
import { notify } from '../../notifications/notify.js';
import { liftBlock, setBlock, type BlockSubject } from '../../risk/blocks.js';
import type { Author } from '../../risk/control-changes.js';
import { HOUSE } from '../../risk/targets.js';
import { endSessions } from '../../sessions/end-sessions.js';
import { listAccounts, lockClient, setStatus, type ClientRow } from './model.js';

/**
 * Suspends a client: sessions end, keys are refused within a second (`Revocations`), and the kill
 * switch of every account stops what rests in the books, which needs no credential to trade.
 * Enforce the switches after the commit.
 * @throws DomainError 404, 403 for oneself and for staff, 409 for a client who is not active
 */
export async function suspendClient(
  trx: Knex.Transaction,
  id: string,
  author: Author,
): Promise<ClientRow> {
  const before = await takeClient(trx, id, author);
  requireStatus(before, ['active']);
  await endSessions(trx, id, { by: author.by, reason: 'client_suspended', now: new Date() });
  for (const subject of await killSwitchesOf(trx, id)) {
    await setBlock(trx, subject, author, { bySuspension: true });
  }
  const suspended = await change(trx, 'client.suspended', before, 'suspended', author);
  const data = { at: new Date().toISOString(), reason: null }; // what is suspected is not told
  await notify(trx, { clientId: id, event: 'account.suspended', data });
  return suspended;
}

/**
 * Lets a suspended client back in, and lifts the kill switches that the suspension turned on.
 * @throws DomainError 404, 403 for oneself and for staff, 409 for a client who is not suspended
 */
export async function reactivateClient(
  trx: Knex.Transaction,
  id: string,
  author: Author,
): Promise<ClientRow> {
  const before = await takeClient(trx, id, author);
  requireStatus(before, ['suspended']);
  for (const subject of await killSwitchesOf(trx, id)) {
    await liftBlock(trx, subject, author, { bySuspension: true });
  }
  return change(trx, 'client.reactivated', before, 'active', author);
}

/**
 * Closes a client for good. The e-mail address and the phone number are free again.
 * @throws DomainError 404, 403 for oneself and for staff; 409 for one who is closed already, or with
 *   what remains: cash, positions, open orders
 */
export async function closeClient(
  trx: Knex.Transaction,
  id: string,
  author: Author,
): Promise<ClientRow> {
  const before = await takeClient(trx, id, author);
  requireStatus(before, ['pending', 'active', 'suspended', 'rejected']);
  await requireNothingLeft(trx, id);
  await endSessions(trx, id, { by: author.by, reason: 'client_closed', now: new Date() });
  await revokeAllKeys(trx, id, author.by);
  return change(trx, 'client.closed', before, 'closed', author);
}

async function takeClient(trx: Knex.Transaction, id: string, { by }: Author): Promise<ClientRow> {
  if (by.clientId === id) throw forbidden('Nobody may do this to themselves');
  const client = await lockClient(trx, id);
  if (!client) throw notFound('client');
  if (client.role !== 'client') {
    throw forbidden('Staff are changed by two people: PATCH /v2/admin/staff/{id}');
  }
  return client;
}

function requireStatus({ status }: ClientRow, allowed: readonly ClientStatus[]): void {
  if (allowed.includes(status)) return;
  throw new DomainError(
    'conflict',
    40910004,
    `This client is ${status}; only one who is ${allowed.join(' or ')} can be changed so`,
    { client_status: status },
  );
}

const killSwitchesOf = async (trx: Knex.Transaction, clientId: string): Promise<BlockSubject[]> => {
  const accounts = await trx('accounts')
    .where({ client_id: clientId })
    .orderBy('id')
    .select<{ id: string }[]>('id');
  return accounts.map(({ id }) => ({ kind: 'kill', target: { ...HOUSE, account_id: id } }));
};

/** The accounts stay locked: neither an order nor money can come in before the commit. */
async function requireNothingLeft(trx: Knex.Transaction, clientId: string): Promise<void> {
  await trx('accounts').where({ client_id: clientId }).orderBy('id').forNoKeyUpdate().select('id');
  const left = (await listAccounts(trx, clientId))
    .filter((one) => one.cash !== 0n || one.positions + one.open_orders + one.open_transfers > 0)
    .map(({ id, cash, positions, open_orders, open_transfers }) => ({
      account_id: id,
      cash: formatDecimal(cash, PRICE_SCALE),
      positions,
      open_orders,
      open_transfers,
    }));
  if (left.length === 0) return;
  throw new DomainError(
    'conflict',
    40910005,
    'Only a client with no cash, positions, open orders or open transfers can be closed',
    { remaining: left },
  );
}

async function change(
  trx: Knex.Transaction,
  action: AuditAction,
  before: ClientRow,
  status: ClientStatus,
  { by, reason }: Author,
): Promise<ClientRow> {
  const after = await setStatus(trx, before.id, status, reason);
  await recordAct(trx, by, {
    action,
    subject: { client_id: before.id },
    before: { status: before.status },
    after: { status },
    reason,
  });
  return after;
}
