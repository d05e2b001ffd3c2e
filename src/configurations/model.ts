import type { Knex } from 'knex';

/** What a client has chosen for an account; table and wire have the same names. */
export interface Configurations {
  readonly suspend_trade: boolean;
  readonly no_shorting: boolean;
  readonly fractional_trading: boolean;
  readonly trade_confirm_email: 'all' | 'none';
  readonly dtbp_check: 'both' | 'entry' | 'exit';
  readonly pdt_check: 'both' | 'entry' | 'exit';
  readonly max_margin_multiplier: '1';
  readonly max_options_trading_level: 0 | null;
  readonly ptp_no_exception_entry: boolean;
  readonly disable_overnight_trading: boolean;
}

/** As long as nothing was chosen; the same as the table's defaults. */
const DEFAULTS: Configurations = {
  suspend_trade: false,
  no_shorting: true,
  fractional_trading: true,
  trade_confirm_email: 'all',
  dtbp_check: 'entry',
  pdt_check: 'entry',
  max_margin_multiplier: '1',
  max_options_trading_level: null,
  ptp_no_exception_entry: false,
  disable_overnight_trading: false,
};

const COLUMNS = Object.keys(DEFAULTS);

/** The account's settings; the defaults when none was ever changed. */
export async function readConfigurations(knex: Knex, accountId: string): Promise<Configurations> {
  const row = await knex('account_configurations')
    .where({ account_id: accountId })
    .first<Configurations | undefined>(COLUMNS);
  return row ?? DEFAULTS;
}

/** Changes some settings; the others stay as they are. @returns all of them */
export async function changeConfigurations(
  knex: Knex,
  accountId: string,
  changes: Partial<Configurations>,
): Promise<Configurations> {
  const changed = { ...changes, updated_at: new Date() };
  const rows: Configurations[] = await knex('account_configurations')
    .insert({ account_id: accountId, ...changed })
    .onConflict('account_id')
    .merge(changed)
    .returning(COLUMNS);
  return rows[0]!;
}
