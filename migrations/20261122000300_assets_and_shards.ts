import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The unit of parallelism: whoever holds the row's lock matches and settles the shard.
    create table shards (id integer primary key check (id >= 0));

    -- Who may work on a shard. A worker takes the next fence when it picks up a job; its settlement
    -- is refused when the fence has moved on meanwhile (the job was given to somebody else).
    -- A table of its own, so that a claim never waits for a settlement that is under way.
    create table shard_claims (
      shard integer primary key references shards,
      fence bigint not null default 0,
      worker text not null default ''
    ) with (fillfactor = 50);

    create table assets (
      id uuid primary key,
      symbol text not null unique check (symbol ~ '^[A-Z][A-Z0-9.]{0,9}(/[A-Z]{3,5}){0,1}$'),
      name text not null,
      class text not null check (class in ('currency', 'us_equity', 'crypto')),
      exchange text not null,
      status text not null default 'active' check (status in ('active', 'inactive')),
      tradable boolean not null default true,
      fractionable boolean not null default true,
      shard integer references shards,
      price_increment bigint not null default 100 check (price_increment > 0),
      min_order_size bigint not null default 1 check (min_order_size > 0),
      min_trade_increment bigint not null default 1 check (min_trade_increment > 0),
      created_at timestamptz not null default now(),
      check (class = 'currency' or shard is not null)
    );
    comment on column assets.price_increment is 'the tick, in 10^-4 USD';
    comment on column assets.min_order_size is 'in 10^-9 units';

    -- What moves: the last trade on our own book and the simulator's reference, in 10^-4 USD.
    create table market_prices (
      asset_id uuid primary key references assets,
      reference_price bigint not null check (reference_price > 0),
      last_price bigint check (last_price > 0),
      last_trade_at timestamptz,
      previous_close bigint not null check (previous_close > 0)
    ) with (fillfactor = 50);

    grant select, insert on shards, assets, shard_claims, market_prices to brokerx_app;
    grant update on shards to brokerx_app; -- the right to lock a row
    grant update (fence, worker) on shard_claims to brokerx_app;
    grant update (name, exchange, status, tradable, fractionable, shard, price_increment,
      min_order_size, min_trade_increment) on assets to brokerx_app;
    grant update (reference_price, last_price, last_trade_at, previous_close) on market_prices
      to brokerx_app;
    select protect_from_delete('assets');
    select protect_from_delete('shards');
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table market_prices, assets, shard_claims, shards');
}
