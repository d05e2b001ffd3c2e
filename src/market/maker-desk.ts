import type { Knex } from 'knex';
import { MAKER_ACCOUNT } from '../ledger/house.js';
import type { OpenQuote, QuoteSide } from './quotes.js';

/** What the market maker has of one asset. Quantities in 10^-9 units. */
export interface Holding {
  readonly qty: bigint;
  /** By its open sell orders. */
  readonly held: bigint;
  /** What it wants to hold. */
  readonly target: bigint;
  readonly open: OpenQuote[];
}

interface Row {
  assetId: string;
  qty: bigint;
  held: bigint;
  target: bigint | null;
  orderId: string | null;
  side: QuoteSide;
  price: bigint;
  rest: bigint;
  isWaiting: boolean;
}

/**
 * Positions and open orders as of one moment, or a fill could be missing in both. What is open is
 * found by the account's place in the book, the work and what is parked, never among all orders.
 */
export const READ_HOLDINGS = `
  with open as materialized (
    select order_id from work_items where account_id = :maker and kind in ('place', 'release')
    union select order_id from book_orders where account_id = :maker
    union select order_id from parked_orders where account_id = :maker
  )
  select a.id as "assetId", coalesce(p.qty, 0) as qty, coalesce(p.held, 0) as held,
    i.target_qty as target, o.id as "orderId", o.side, o.limit_price as price,
    o.qty - o.filled_qty as rest,
    exists (select from work_items w where w.order_id = o.id and w.account_id = :maker) as "isWaiting"
  from assets a
  left join positions p on p.account_id = :maker and p.asset_id = a.id
  left join maker_inventory i on i.asset_id = a.id
  left join (open join orders o on o.id = open.order_id) on o.asset_id = a.id
  where a.class <> 'currency'`;

const SET_TARGETS = `
  insert into maker_inventory (asset_id, target_qty)
  select a.id, coalesce(p.qty, 0) from assets a
  left join positions p on p.account_id = ? and p.asset_id = a.id
  where a.class <> 'currency'
  on conflict do nothing`;

/** What the market maker holds and has open, by asset id. A new asset gets its target here. */
export async function readHoldings(knex: Knex): Promise<Map<string, Holding>> {
  const { rows } = await knex.raw<{ rows: Row[] }>(READ_HOLDINGS, { maker: MAKER_ACCOUNT });
  if (rows.some(({ target }) => target === null)) {
    await knex.raw(SET_TARGETS, [MAKER_ACCOUNT]);
    return readHoldings(knex);
  }
  const holdings = new Map<string, Holding>();
  for (const { assetId, qty, held, target, orderId, side, price, rest, isWaiting } of rows) {
    let holding = holdings.get(assetId);
    if (!holding) holdings.set(assetId, (holding = { qty, held, target: target!, open: [] }));
    if (orderId !== null) holding.open.push({ orderId, side, price, qty: rest, isWaiting });
  }
  return holdings;
}

/** Whether the house may quote, and which assets it may not. */
export interface QuotingBlocks {
  /** `kill`: trading is stopped, the kill switch withdraws what is open; `restrict`: it places nothing. */
  readonly house: 'kill' | 'restrict' | null;
  readonly halted: ReadonlySet<string>;
}

/** The blocks that stop the market maker: its own and everybody's, and halts. */
export async function readQuotingBlocks(knex: Knex): Promise<QuotingBlocks> {
  const rows = await knex('trading_blocks')
    .where('scope', 'global')
    .orWhere('target', MAKER_ACCOUNT)
    .orWhere('kind', 'halt')
    .select<{ kind: 'kill' | 'restrict' | 'halt'; target: string | null }[]>('kind', 'target');
  const has = (wanted: string) => rows.some(({ kind }) => kind === wanted);
  const halts = rows.filter(({ kind }) => kind === 'halt').map(({ target }) => target!);
  return {
    house: has('kill') ? 'kill' : has('restrict') ? 'restrict' : null,
    halted: new Set(halts),
  };
}
