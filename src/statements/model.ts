import type { Knex } from 'knex';
import { dateText } from '../http/calendar-date.js';

/** An account at the end of one day. Money in 10^-4 USD; what goes out is negative. */
export interface StatementSummary {
  /** Such as `2026-11-25`. */
  readonly date: string;
  /** Null in an account's first statement, which has everything since the beginning. */
  readonly opensAt: Date | null;
  readonly closesAt: Date;
  readonly openingCash: bigint;
  readonly deposits: bigint;
  readonly withdrawals: bigint;
  readonly adjustments: bigint;
  readonly purchases: bigint;
  readonly sales: bigint;
  readonly fees: bigint;
  readonly closingCash: bigint;
  readonly positionValue: bigint;
  readonly equity: bigint;
  readonly trades: number;
  readonly createdAt: Date;
}

/** One position at the close. The quantity in 10^-9 units. */
export interface StatementPosition {
  readonly assetId: string;
  readonly symbol: string;
  readonly qty: bigint;
  readonly costBasis: bigint;
  /** Null when the asset had no price at the close; its value is 0 then. */
  readonly closePrice: bigint | null;
}

export interface Statement extends StatementSummary {
  readonly accountId: string;
  readonly accountNumber: string;
  /** The client's name, as it is now. */
  readonly accountHolder: string;
  readonly positions: readonly StatementPosition[];
}

export interface StatementFilter {
  /** Both included. */
  readonly start?: Date | undefined;
  readonly end?: Date | undefined;
  /** Only days before this one. */
  readonly before?: Date | undefined;
  readonly limit: number;
}

const SUMMARY = {
  opensAt: 's.opens_at',
  closesAt: 's.closes_at',
  openingCash: 's.opening_cash',
  deposits: 's.deposits',
  withdrawals: 's.withdrawals',
  adjustments: 's.adjustments',
  purchases: 's.purchases',
  sales: 's.sales',
  fees: 's.fees',
  closingCash: 's.closing_cash',
  positionValue: 's.position_value',
  equity: 's.equity',
  trades: 's.trades',
  createdAt: 's.created_at',
};

const summaryOf = (knex: Knex) => ({ ...SUMMARY, date: knex.raw('s.day::text') });

/** An account's statements, the newest first: a stretch of the primary key. */
export async function listStatements(
  knex: Knex,
  accountId: string,
  { start, end, before, limit }: StatementFilter,
): Promise<StatementSummary[]> {
  const query = knex('statements as s').where('s.account_id', accountId);
  if (start) void query.where('s.day', '>=', dateText(start));
  if (end) void query.where('s.day', '<=', dateText(end));
  if (before) void query.where('s.day', '<', dateText(before));
  const found: StatementSummary[] = await query
    .orderBy('s.day', 'desc')
    .limit(limit)
    .select(summaryOf(knex));
  return found;
}

/** @returns undefined when there is none: the day has not ended, did not trade, or was before */
export async function findStatement(
  knex: Knex,
  accountId: string,
  day: Date,
): Promise<Statement | undefined> {
  const found: Omit<Statement, 'positions'>[] = await knex('statements as s')
    .join('accounts as a', 'a.id', 's.account_id')
    .join('clients as c', 'c.id', 'a.client_id')
    .where({ 's.account_id': accountId, 's.day': dateText(day) })
    .select({
      ...summaryOf(knex),
      accountId: 's.account_id',
      accountNumber: 'a.account_number',
      accountHolder: knex.raw(`concat_ws(' ', c.first_name, c.last_name)`),
    });
  const [statement] = found;
  return (
    statement && { ...statement, positions: await readPositions(knex, accountId, statement.date) }
  );
}

/** By symbol. */
async function readPositions(
  knex: Knex,
  accountId: string,
  date: string,
): Promise<StatementPosition[]> {
  const { rows } = await knex.raw<{ rows: StatementPosition[] }>(
    `select p.asset_id as "assetId", a.symbol, p.qty, p.cost_basis as "costBasis",
       c.price as "closePrice"
     from statements s,
       unnest(s.asset_ids, s.quantities, s.cost_bases) as p (asset_id, qty, cost_basis)
     join assets a on a.id = p.asset_id
     left join closing_prices c on c.asset_id = p.asset_id and c.day = :date
     where s.account_id = :accountId and s.day = :date and p.qty <> 0
     order by a.symbol`,
    { accountId, date },
  );
  return rows;
}
