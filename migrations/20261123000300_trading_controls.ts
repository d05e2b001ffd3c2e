import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- What must not trade at this moment: a few rows at most, read inside every intake and every
    -- settling transaction. kill: nothing new, and what rests is cancelled; restrict: nothing new;
    -- halt: the asset does not trade.
    create table trading_blocks (
      id uuid primary key,
      kind text not null check (kind in ('kill', 'restrict', 'halt')),
      scope text not null check (scope in ('global', 'account', 'asset')),
      target uuid,
      reason text not null,
      created_by uuid,
      created_at timestamptz not null default now(),
      unique nulls not distinct (kind, scope, target),
      check ((scope = 'global') = (target is null)),
      check ((kind = 'halt') = (scope = 'asset')),
      check (kind <> 'restrict' or scope = 'account')
    );

    -- Limits of one account, of one asset, or (neither) of the house. Null: not limited here.
    create table risk_limits (
      id uuid primary key,
      account_id uuid references accounts,
      asset_id uuid references assets,
      max_order_qty bigint check (max_order_qty > 0),
      max_order_notional bigint check (max_order_notional > 0),
      collar_bps integer check (collar_bps between 1 and 100000),
      max_open_exposure bigint check (max_open_exposure > 0),
      duplicate_window_ms integer check (duplicate_window_ms between 0 and 60000),
      max_orders_per_second integer check (max_orders_per_second between 0 and 100000),
      version integer not null default 1,
      updated_by uuid,
      updated_at timestamptz not null default now(),
      unique nulls not distinct (account_id, asset_id),
      check (account_id is null or asset_id is null)
    );

    -- Who changed a control, from what to what, and why.
    create table control_changes (
      id bigint generated always as identity primary key,
      actor_id uuid not null,
      action text not null,
      target jsonb not null,
      before jsonb,
      after jsonb,
      reason text,
      request_id text,
      ip text,
      occurred_at timestamptz not null default now()
    );
    select protect_append_only('control_changes');

    -- What a client has chosen. Without a row everything is as usual.
    create table account_configurations (
      account_id uuid primary key references accounts,
      suspend_trade boolean not null default false,
      no_shorting boolean not null default true,
      fractional_trading boolean not null default true,
      trade_confirm_email text not null default 'all' check (trade_confirm_email in ('all', 'none')),
      dtbp_check text not null default 'entry' check (dtbp_check in ('both', 'entry', 'exit')),
      pdt_check text not null default 'entry' check (pdt_check in ('both', 'entry', 'exit')),
      max_margin_multiplier text not null default '1' check (max_margin_multiplier in ('1')),
      max_options_trading_level integer check (max_options_trading_level = 0),
      ptp_no_exception_entry boolean not null default false,
      updated_at timestamptz not null default now()
    );

    grant select, insert, delete on trading_blocks to brokerx_app;
    grant select, insert, update, delete on risk_limits to brokerx_app;
    grant select, insert, update on account_configurations to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table account_configurations, control_changes, risk_limits, trading_blocks');
}
