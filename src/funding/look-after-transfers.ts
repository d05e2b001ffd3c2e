import type { Knex } from 'knex';
import { recordAct, systemActor } from '../audit/record.js';
import { formatDecimal, PRICE_SCALE } from '../domain/money.js';
import { bookRecovery } from './book-transfer.js';
import { disputedTransfers, oldestOpenTransfer, owedByClients } from './metrics.js';
import { reconcileTransfers, type SubmitDeps } from './submit-transfers.js';
import { lockAccount } from './transfer-model.js';

/** Transfers whose nudge is so old are not on their way to a worker any more. */
const OVERDUE_MS = 2_000;
const PAGE = 100;
const BY = systemActor('transfers');

export interface LookAfterDeps extends SubmitDeps {
  /** Tells the workers that there are transfers to send. */
  readonly nudge: () => void;
}

interface Gauges {
  waitsMs: number | null;
  oldestMs: number | null;
  disputed: number;
}

/**
 * The upkeep of transfers: rings again for those that wait to be sent, asks the provider about those
 * that it does not answer, collects debts, keeps the gauges. Safe to run twice at once.
 */
export async function lookAfterTransfers(deps: LookAfterDeps): Promise<void> {
  const { knex, nudge, now = () => new Date() } = deps;
  const { rows } = await knex.raw<{ rows: Gauges[] }>(
    `select
       (extract(epoch from t.now - min(created_at) filter (where status = 'queued')) * 1000)::float8
         as "waitsMs",
       (extract(epoch from t.now - min(created_at)) * 1000)::float8 as "oldestMs",
       (select count(*)::int from transfers where disputed) as disputed
     from (select ?::timestamptz as now) as t
     left join transfers on status in ('queued', 'sent')
     group by t.now`,
    [now()],
  );
  const { waitsMs, oldestMs, disputed } = rows[0]!;
  oldestOpenTransfer.set(Math.max(0, oldestMs ?? 0) / 1_000);
  disputedTransfers.set(disputed);
  if ((waitsMs ?? 0) > OVERDUE_MS) nudge();
  await reconcileTransfers(deps);
  await collectDebts(knex, now());
}

interface Debt {
  id: string;
  accountId: string;
  owed: bigint;
  free: bigint;
}

/**
 * Takes what clients owe after a deposit that came back from what is free on their accounts by now,
 * however it came there. The restriction stays until staff lift it.
 */
export async function collectDebts(knex: Knex, now: Date): Promise<void> {
  const { rows: owing } = await knex.raw<{ rows: Debt[] }>(
    `select t.id, t.account_id as "accountId", t.owed, a.cash - a.cash_held as free
     from transfers t join accounts a on a.id = t.account_id
     where t.owed > 0 order by t.id`,
  );
  const total = owing.reduce((sum, { owed }) => sum + owed, 0n);
  owedByClients.set(Number(total) / 10 ** PRICE_SCALE);
  for (const { id, accountId } of owing.filter(({ free }) => free > 0n).slice(0, PAGE)) {
    await knex.transaction((trx) => collect(trx, id, accountId, now));
  }
}

async function collect(
  trx: Knex.Transaction,
  id: string,
  accountId: string,
  now: Date,
): Promise<void> {
  const account = (await lockAccount(trx, accountId))!;
  const row = await trx('transfers').where({ id }).first<{ owed: bigint }>('owed');
  const free = account.cash - account.cashHeld;
  const amount = free < row.owed ? free : row.owed;
  if (amount <= 0n) return; // another worker was first
  await bookRecovery(trx, accountId, amount);
  await trx('transfers')
    .where({ id })
    .update({ owed: row.owed - amount, updated_at: now });
  await recordAct(trx, BY, {
    action: 'transfer.recover',
    subject: { client_id: account.clientId, account_id: accountId, transfer_id: id },
    before: { owed: formatDecimal(row.owed, PRICE_SCALE) },
    after: { owed: formatDecimal(row.owed - amount, PRICE_SCALE) },
  });
}
