import type { Knex } from 'knex';
import { systemActor } from '../audit/record.js';
import type { Logger } from '../log.js';
import { bookFaults } from '../metrics.js';
import { setBlock } from '../risk/blocks.js';

export type BookFaultKind = 'crossed' | 'mismatched';

/** What is wrong with one asset's book. */
interface BookFault {
  readonly assetId: string;
  readonly symbol: string;
  readonly kind: BookFaultKind;
  /** What was found, for whoever is woken by it. */
  readonly detail: string;
}

const KINDS: readonly BookFaultKind[] = ['crossed', 'mismatched'];

/**
 * One snapshot of all books. Matching leaves no bid at or above an ask, and what rests is an open order
 * with its own price and just what is open of it: settlement writes both in one transaction.
 */
const FAULTS = `
  with tops as (
    select asset_id, -min(rank) filter (where side = 'buy') as bid,
      min(rank) filter (where side = 'sell') as ask
    from book_orders group by asset_id
  ), faults as (
    select asset_id, 'crossed' as kind, 'bid ' || bid || ', ask ' || ask || ' (in 1/10000 USD)' as detail
    from tops where bid >= ask
    union all
    select b.asset_id, 'mismatched',
      count(*) || ' resting, first order ' || (array_agg(b.order_id order by b.seq))[1]
    from book_orders b left join orders o on o.id = b.order_id
    where o.id is null
      or o.status not in ('new', 'partially_filled')
      or (o.asset_id, o.side, o.account_id) is distinct from (b.asset_id, b.side, b.account_id)
      or b.remaining <> o.qty - o.filled_qty
      or abs(b.rank) is distinct from o.limit_price
    group by b.asset_id
  )
  select asset_id as "assetId", symbol, kind, detail from faults join assets on assets.id = asset_id
  order by symbol, kind`;

/**
 * Checks every book, and halts the assets whose book is not consistent, and these only; staff lift the
 * halt (UC-05: "that segment is halted, and operations is alerted"). The metric keeps saying so as
 * long as the fault is there.
 */
export async function checkBooks(knex: Knex, log: Logger): Promise<void> {
  const { rows: faults } = await knex.raw<{ rows: BookFault[] }>(FAULTS);
  for (const kind of KINDS) {
    bookFaults.set({ kind }, faults.filter((fault) => fault.kind === kind).length);
  }
  for (const fault of faults) {
    const { assetId, symbol, kind, detail } = fault;
    log.error('a book is not consistent; its asset is halted', { symbol, kind, detail });
    const target = { account_id: null, asset_id: assetId, symbol };
    const author = { by: systemActor('book-check'), reason: `the book is ${kind}: ${detail}` };
    await knex.transaction((trx) => setBlock(trx, { kind: 'halt', target }, author));
  }
}
