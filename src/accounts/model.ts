import type { Knex } from 'knex';
import { Model, snakeCaseMappers } from 'objection';
import type { ClientStatus } from '../identity/model.js';
import { firstIdAt } from '../ids.js';
import { USD } from '../ledger/house.js';
import { PRICE, positionValue } from './position-model.js';

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
  /** What the positions would have been worth at the previous close. */
  lastdayValue: bigint;
  /** What the account was worth at the previous close; null when that was not recorded. */
  closingEquity: bigint | null;
  /** Cash that came in since the previous close, less what went out, other than by trades. */
  cashflow: bigint;
  /** Null: the client never changed a setting. */
  suspendTrade: boolean | null;
  /** Of transfers that are neither settled nor failed. */
  pendingIn: bigint;
  pendingOut: bigint;
  /** Staff have restricted the account. */
  restricted: boolean;
}

/**
 * An account and the value of its positions, read in one statement: the sums belong together.
 * @param previousClose the moment that `last_equity` is about
 */
export async function findValuedAccount(
  knex: Knex,
  accountId: string,
  previousClose: Date,
): Promise<ValuedAccount | undefined> {
  return (await Account.query(knex)
    .findById(accountId)
    .leftJoin('clients', 'clients.id', 'accounts.client_id')
    .leftJoin('account_configurations as c', 'c.account_id', 'accounts.id')
    .joinRaw(
      `cross join lateral (
        select
          coalesce(sum(${positionValue(PRICE)}) filter (where p.qty > 0), 0)::bigint as long_value,
          coalesce(sum(${positionValue(PRICE)}) filter (where p.qty < 0), 0)::bigint as short_value,
          coalesce(sum(${positionValue('m.previous_close')}), 0)::bigint as lastday_value
        from positions p join market_prices m on m.asset_id = p.asset_id
        where p.account_id = accounts.id
      ) as worth
      left join lateral (
        select equity as closing_equity from equity_snapshots s
        where s.account_id = accounts.id and s.taken_at <= :previousClose
        order by s.taken_at desc limit 1
      ) as closing on true
      cross join lateral (
        select coalesce(sum(p.amount), 0)::bigint as cashflow
        from account_journals j join postings p on p.journal_id = j.journal_id and p.line = j.line
        where j.account_id = accounts.id and j.journal_id >= :firstJournal and p.asset_id = :usd
      ) as moved
      cross join lateral (
        select coalesce(sum(amount) filter (where direction = 'incoming'), 0)::bigint as pending_in,
          coalesce(sum(amount) filter (where direction = 'outgoing'), 0)::bigint as pending_out
        from transfers t
        where t.account_id = accounts.id and t.status in ('queued', 'sent')
      ) as pending
      cross join lateral (
        select exists (
          select from trading_blocks b
          where b.kind = 'restrict' and b.scope = 'account' and b.target = accounts.id
        ) as restricted
      ) as blocks`,
      { previousClose, firstJournal: firstIdAt(previousClose), usd: USD },
    )
    .select('accounts.*', 'clients.status as client_status', 'c.suspend_trade')
    .select('worth.*', 'closing.*', 'moved.*', 'pending.*', 'blocks.*')) as
    ValuedAccount | undefined;
}
