import type { Knex } from 'knex';
import { AccountDay } from '../domain/account-day.js';
import type { TradingDay } from '../domain/calendar.js';
import { dateText } from '../http/calendar-date.js';
import { endOfDayDuration, statementsWritten } from '../metrics.js';
import { notifyAll, type Notice } from '../notifications/notify.js';
import { eachMovement } from './day-movements.js';
import { readOpeningBalances, type OpeningBalance } from './opening-balances.js';

const BATCH = 100;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/**
 * Writes the statements of a day that are missing, a batch of accounts at a time, by account id.
 * @param prices   at the close, by asset id
 * @param deadline of `performance.now()`: no batch begins after it
 * @returns how many were written, and whether none is missing any more
 */
export async function writeStatements(
  knex: Knex,
  day: TradingDay,
  prices: ReadonlyMap<string, bigint>,
  deadline: number,
): Promise<{ written: number; isComplete: boolean }> {
  let after = BEFORE_ALL;
  for (let written = 0; ;) {
    if (performance.now() > deadline) return { written, isComplete: false };
    const end = endOfDayDuration.startTimer();
    const openings = await readOpeningBalances(knex, day, after, BATCH);
    if (openings.length === 0) return { written, isComplete: true };
    written += await writeBatch(knex, day, openings, prices);
    end();
    after = openings.at(-1)!.accountId;
  }
}

/** Older days are caught up on, and not news any more. */
const NEWS_FOR_MS = 48 * 3_600_000;

/** One transaction; what another worker has written meanwhile is the same. */
async function writeBatch(
  knex: Knex,
  day: TradingDay,
  openings: readonly OpeningBalance[],
  prices: ReadonlyMap<string, bigint>,
): Promise<number> {
  const days = new Map(
    openings.map(({ accountId, cash, holdings }) => [accountId, new AccountDay(cash, holdings)]),
  );
  await eachMovement(knex, openings, day.close, (accountId, movement) =>
    days.get(accountId)!.apply(movement),
  );
  const createdAt = new Date();
  const rows = openings.map(({ accountId, since }) => ({
    account_id: accountId,
    day: dateText(day.day),
    opens_at: since,
    closes_at: day.close,
    ...figuresOf(days.get(accountId)!, prices),
    created_at: createdAt,
  }));
  return await knex.transaction(async (trx) => {
    const inserted: { account_id: string }[] = await trx('statements')
      .insert(rows)
      .onConflict()
      .ignore()
      .returning('account_id');
    const ageMs = createdAt.getTime() - day.close.getTime();
    if (ageMs >= 0 && ageMs < NEWS_FOR_MS)
      await tellOwners(trx, inserted, dateText(day.day), createdAt);
    statementsWritten.inc(inserted.length);
    return inserted.length;
  });
}

/** Locks the accounts for a moment, after all else. */
async function tellOwners(
  trx: Knex.Transaction,
  statements: readonly { account_id: string }[],
  day: string,
  at: Date,
): Promise<void> {
  const owners = await trx('accounts')
    .whereIn(
      'id',
      statements.map(({ account_id: id }) => id),
    )
    .whereNotNull('client_id')
    .select<{ id: string; clientId: string }[]>('id', { clientId: 'client_id' });
  const notices = owners.map(({ id, clientId }): Notice => ({
    clientId,
    accountId: id,
    event: 'statement.ready',
    data: { statement_id: `${id}/${day}`, day },
  }));
  await notifyAll(trx, notices, at);
}

function figuresOf(account: AccountDay, prices: ReadonlyMap<string, bigint>) {
  const { openingCash, closingCash, closingHoldings, totals, trades } = account;
  const value = account.positionValue(prices);
  return {
    opening_cash: String(openingCash),
    deposits: String(totals.deposits),
    withdrawals: String(totals.withdrawals),
    adjustments: String(totals.adjustments),
    purchases: String(totals.purchases),
    sales: String(totals.sales),
    fees: String(totals.fees),
    closing_cash: String(closingCash),
    position_value: String(value),
    equity: String(closingCash + value),
    trades,
    asset_ids: closingHoldings.map(([assetId]) => assetId),
    quantities: closingHoldings.map(([, { qty }]) => String(qty)),
    cost_bases: closingHoldings.map(([, { costBasis }]) => String(costBasis)),
  };
}
