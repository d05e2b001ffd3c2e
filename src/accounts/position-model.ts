import type { Knex } from 'knex';

/** A position with its asset and prices. Money in 10^-4 USD, quantities in 10^-9. */
export interface PositionView {
  assetId: string;
  symbol: string;
  exchange: string;
  assetClass: 'us_equity' | 'crypto';
  minTradeIncrement: bigint;
  qty: bigint;
  held: bigint;
  costBasis: bigint;
  price: bigint;
  previousClose: bigint;
  /** Since the previous close: what was bought, what that cost with its fees, and what was sold. */
  boughtToday: bigint;
  costToday: bigint;
  soldToday: bigint;
}

/** The value of a position `p`, rounded towards zero as every trade's value is. */
export const positionValue = (price: string): string => `trunc(p.qty::numeric * ${price} / 1e9)`;
/** Of a row `m` of market_prices. */
export const PRICE = 'coalesce(m.last_price, m.reference_price)';

/**
 * The account's trades since the previous close, by asset. Their events are found by halves in the
 * primary key, a minute further back than asked for: two machines' clocks may differ.
 */
const TODAY = `(
  select o.asset_id,
    coalesce(sum(e.qty) filter (where o.side = 'buy'), 0)::bigint as bought,
    coalesce(sum(trunc(e.price::numeric * e.qty / 1e9) + e.fee)
      filter (where o.side = 'buy'), 0)::bigint as cost,
    coalesce(sum(e.qty) filter (where o.side = 'sell'), 0)::bigint as sold
  from account_events e join orders o on o.id = e.order_id
  where e.account_id = :accountId and e.type in ('fill', 'partial_fill')
    and e.event_id >= first_event_at(:accountId, :previousClose::timestamptz - interval '1 minute')
    and e.occurred_at >= :previousClose
  group by o.asset_id
) as today`;

const positions = (knex: Knex, accountId: string, previousClose: Date): Knex.QueryBuilder =>
  knex('positions as p')
    .join('assets as a', 'a.id', 'p.asset_id')
    .join('market_prices as m', 'm.asset_id', 'p.asset_id')
    .leftJoin(knex.raw(TODAY, { accountId, previousClose }), 'today.asset_id', 'p.asset_id')
    .where('p.account_id', accountId)
    .whereNot('p.qty', 0)
    .orderBy('a.symbol')
    .select({
      assetId: 'a.id',
      symbol: 'a.symbol',
      exchange: 'a.exchange',
      assetClass: 'a.class',
      minTradeIncrement: 'a.min_trade_increment',
      qty: 'p.qty',
      held: 'p.held',
      costBasis: 'p.cost_basis',
      price: knex.raw(PRICE),
      previousClose: 'm.previous_close',
      boughtToday: knex.raw('coalesce(today.bought, 0)'),
      costToday: knex.raw('coalesce(today.cost, 0)'),
      soldToday: knex.raw('coalesce(today.sold, 0)'),
    });

/**
 * The account's positions by symbol; those sold to the last share are not listed.
 * @param previousClose when "today" began
 */
export const listPositions = async (
  knex: Knex,
  accountId: string,
  previousClose: Date,
): Promise<PositionView[]> => (await positions(knex, accountId, previousClose)) as PositionView[];

/**
 * One position.
 * @param name the asset's symbol (`AAPL`, `BTC/USD`, `BTCUSD`) or its id
 */
export async function findPosition(
  knex: Knex,
  accountId: string,
  previousClose: Date,
  name: string,
): Promise<PositionView | undefined> {
  const [position] = (await positions(knex, accountId, previousClose)
    .where((asset) => {
      void asset
        .where('a.symbol', name)
        .orWhereRaw(`replace(a.symbol, '/', '') = ?`, [name])
        .orWhereRaw('a.id::text = ?', [name.toLowerCase()]);
    })
    .limit(1)) as PositionView[];
  return position;
}
