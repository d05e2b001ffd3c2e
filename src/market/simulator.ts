import type { AssetCatalog } from '../assets/catalog.js';
import type { Database } from '../db.js';
import type { MarketMaker } from './market-maker.js';
import { nextPrice, type Random } from './random-walk.js';

/** One step's standard deviation: a few basis points in a minute, as in a calm market. */
const VOLATILITY_BPS = 0.4;

interface PriceRow {
  assetId: string;
  referencePrice: bigint;
  previousClose: bigint;
}

/** Moves the reference prices and has the market maker quote around them. */
export class MarketSimulator {
  constructor(
    private readonly db: Database,
    private readonly catalog: AssetCatalog,
    private readonly maker: MarketMaker,
    private readonly random: Random,
  ) {}

  /** One step of the simulated market. */
  async step(): Promise<void> {
    const rows = await this.db.knex('market_prices').select<PriceRow[]>({
      assetId: 'asset_id',
      referencePrice: 'reference_price',
      previousClose: 'previous_close',
    });
    const references = new Map<string, bigint>();
    for (const { assetId, referencePrice, previousClose } of rows) {
      const price = nextPrice(referencePrice, previousClose, VOLATILITY_BPS, this.random);
      references.set(assetId, price);
    }
    await this.db.knex.raw(
      `with locked as (select asset_id from market_prices order by asset_id for no key update)
       update market_prices m set reference_price = u.price
       from locked join unnest(?::uuid[], ?::bigint[]) as u (asset_id, price) using (asset_id)
       where m.asset_id = locked.asset_id and m.reference_price <> u.price`,
      [[...references.keys()], [...references.values()].map(String)],
    );
    await this.maker.refresh(this.catalog.all(), references);
  }
}
