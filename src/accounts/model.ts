import type { Knex } from 'knex';
import { Model, snakeCaseMappers } from 'objection';
import type { ClientStatus } from '../identity/model.js';

/** One set of money: cash in 10^-4 USD, and what open buy orders hold of it. */
export class Account extends Model {
  static override tableName = 'accounts';
  static override columnNameMappers = snakeCaseMappers();

  declare id: string;
  declare clientId: string | null;
  declare accountNumber: string;
  declare kind: 'client' | 'house' | 'external';
  declare cash: bigint;
  declare cashHeld: bigint;
  declare lastEventId: bigint;
  declare createdAt: Date;
}

/** An account with what its shares are worth, in 10^-4 USD. */
export interface ValuedAccount extends Account {
  /** Null for the house's own accounts. */
  clientStatus: ClientStatus | null;
  longValue: bigint;
  shortValue: bigint;
  /** What all of it was worth at the previous close. */
  lastdayValue: bigint;
}

/** A position with its asset and prices. Money in 10^-4 USD, quantities in 10^-9. */
export interface PositionView {
  assetId: string;
  symbol: string;
  exchange: string;
  assetClass: 'us_equity' | 'crypto';
  qty: bigint;
  held: bigint;
  costBasis: bigint;
  price: bigint;
  previousClose: bigint;
}

/** Rounded towards zero, as every trade's value is. */
const value = (price: string): string => `trunc(p.qty::numeric * ${price} / 1e9)`;
const PRICE = 'coalesce(m.last_price, m.reference_price)';

/** An account and the value of its positions, read in one statement: the sums belong together. */
export async function findValuedAccount(
  knex: Knex,
  accountId: string,
): Promise<ValuedAccount | undefined> {
  return (await Account.query(knex)
    .findById(accountId)
    .leftJoin('clients', 'clients.id', 'accounts.client_id')
    .joinRaw(
      `cross join lateral (
        select
          coalesce(sum(${value(PRICE)}) filter (where p.qty > 0), 0)::bigint as long_value,
          coalesce(sum(${value(PRICE)}) filter (where p.qty < 0), 0)::bigint as short_value,
          coalesce(sum(${value('m.previous_close')}), 0)::bigint as lastday_value
        from positions p join market_prices m on m.asset_id = p.asset_id
        where p.account_id = accounts.id
      ) as worth`,
    )
    .select('accounts.*', 'clients.status as client_status', 'worth.*')) as
    ValuedAccount | undefined;
}

const positions = (knex: Knex, accountId: string): Knex.QueryBuilder =>
  knex('positions as p')
    .join('assets as a', 'a.id', 'p.asset_id')
    .join('market_prices as m', 'm.asset_id', 'p.asset_id')
    .where('p.account_id', accountId)
    .whereNot('p.qty', 0)
    .orderBy('a.symbol')
    .select({
      assetId: 'a.id',
      symbol: 'a.symbol',
      exchange: 'a.exchange',
      assetClass: 'a.class',
      qty: 'p.qty',
      held: 'p.held',
      costBasis: 'p.cost_basis',
      price: knex.raw(PRICE),
      previousClose: 'm.previous_close',
    });

/** The account's positions by symbol; those sold to the last share are not listed. */
export const listPositions = async (knex: Knex, accountId: string): Promise<PositionView[]> =>
  (await positions(knex, accountId)) as PositionView[];

/**
 * One position.
 * @param name the asset's symbol (`AAPL`, `BTC/USD`, `BTCUSD`) or its id
 */
export async function findPosition(
  knex: Knex,
  accountId: string,
  name: string,
): Promise<PositionView | undefined> {
  const [position] = (await positions(knex, accountId)
    .where((asset) => {
      void asset
        .where('a.symbol', name)
        .orWhereRaw(`replace(a.symbol, '/', '') = ?`, [name])
        .orWhereRaw('a.id::text = ?', [name.toLowerCase()]);
    })
    .limit(1)) as PositionView[];
  return position;
}
