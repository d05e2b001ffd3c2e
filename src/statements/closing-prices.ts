import type { Knex } from 'knex';
import type { TradingDay } from '../domain/calendar.js';
import { dateText } from '../http/calendar-date.js';
import { firstIdAt } from '../ids.js';

/** A trade's id is made when it is matched, its time is taken when it is written: by less apart. */
const ID_MARGIN_MS = 600_000;
const TIMEOUT = '5min';

/**
 * The last price before a close, for each asset once. In this order: the last trade, where nothing was
 * traded since; the last execution since the close before, read backwards by the time in its id; the
 * price of the day before, when that was of a trade. What was never traded before the close has the
 * reference price: as it was noted at a close up to this one, not as it is now.
 */
const FIX_PRICES = `
  insert into closing_prices (asset_id, day, closes_at, price, source)
  select m.asset_id, :day, :close,
    case
      when m.last_trade_at < :close then m.last_price
      when traded.price is not null then traded.price
      when before.source = 'trade' then before.price
      when m.last_trade_at is null and coalesce(m.closed_at <= :close, true) then m.previous_close
      else coalesce(before.price, m.previous_close)
    end,
    case
      when m.last_trade_at < :close or traded.price is not null or before.source = 'trade'
      then 'trade' else 'reference'
    end
  from market_prices m
  left join lateral (
    select c.price, c.source from closing_prices c
    where c.asset_id = m.asset_id and c.day < :day order by c.day desc limit 1
  ) as before on true
  left join lateral (
    select e.price from executions e
    where m.last_trade_at >= :close and e.asset_id = m.asset_id and e.executed_at < :close
      and e.id >= :firstId and e.id < :endId
    order by e.id desc limit 1
  ) as traded on true
  on conflict do nothing`;

/**
 * Fixes what everything is worth at a close; the first to do so decides.
 * @param lastClose the close of the day before; null when there is none
 * @returns the prices by asset id, in 10^-4 USD
 */
export async function fixClosingPrices(
  knex: Knex,
  { day, close }: TradingDay,
  lastClose: Date | null,
): Promise<Map<string, bigint>> {
  const from = lastClose ? lastClose.getTime() - ID_MARGIN_MS : 0;
  await knex.transaction(async (trx) => {
    await trx.raw(`set local statement_timeout = '${TIMEOUT}'`);
    await trx.raw(FIX_PRICES, {
      day: dateText(day),
      close,
      firstId: firstIdAt(new Date(from)),
      endId: firstIdAt(new Date(close.getTime() + ID_MARGIN_MS)),
    });
  });
  const rows = await knex('closing_prices')
    .where({ day: dateText(day) })
    .select<{ assetId: string; price: bigint }[]>({ assetId: 'asset_id', price: 'price' });
  return new Map(rows.map(({ assetId, price }) => [assetId, price]));
}
