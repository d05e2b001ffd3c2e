import { randomSecret } from '../config.js';
import type { Container } from '../container.js';
import type { AssetCatalog } from '../assets/catalog.js';
import type { Database } from '../db.js';
import { MarketMaker } from './market-maker.js';
import type { PriceSource, Reference } from './price-source.js';
import { ReplayedPrices } from './replayed-prices.js';
import { SimulatedPrices } from './simulated-prices.js';

interface PriceRow {
  assetId: string;
  price: bigint;
  previousClose: bigint;
}

const SEED_BYTES = 9;

/** Moves the reference prices and has the market maker quote around them. */
export class MarketSimulator {
  constructor(
    private readonly db: Database,
    private readonly catalog: Pick<AssetCatalog, 'all'>,
    private readonly prices: PriceSource,
    private readonly maker: MarketMaker,
  ) {}

  /** One step of the simulated market. */
  async step(now = new Date()): Promise<void> {
    const assets = this.catalog.all();
    const rows = await this.db.knex('market_prices').select<PriceRow[]>({
      assetId: 'asset_id',
      price: 'reference_price',
      previousClose: 'previous_close',
    });
    const byId = new Map(rows.map((row) => [row.assetId, row]));
    const standing = assets.flatMap((asset) => {
      const row = byId.get(asset.id);
      return row ? [{ asset, ...row }] : [];
    });
    const references = await this.prices.next(standing, now);
    const moved = [...references].filter(([id, { price }]) => byId.get(id)!.price !== price);
    if (moved.length > 0) await this.writePrices(moved);
    await this.maker.refresh(assets, references, now);
  }

  stop(): void {
    this.prices.stop();
  }

  private async writePrices(moved: readonly [string, Reference][]): Promise<void> {
    const ids = moved.map(([id]) => id);
    await this.db.knex.raw(
      `with locked as (
         select asset_id from market_prices where asset_id = any(?::uuid[])
         order by asset_id for no key update)
       update market_prices m set reference_price = u.price
       from locked join unnest(?::uuid[], ?::bigint[]) as u (asset_id, price) using (asset_id)
       where m.asset_id = locked.asset_id`,
      [ids, ids, moved.map(([, { price }]) => String(price))],
    );
  }
}

/** The simulated market as the settings want it. Logs the seed, for who wants the same again. */
export function createSimulator({
  config,
  db,
  catalog,
  intake,
  limits,
  log,
}: Pick<Container, 'config' | 'db' | 'catalog' | 'intake' | 'limits' | 'log'>): MarketSimulator {
  const { marketHours, marketReplay, marketMakerInventoryMax: inventoryMax } = config;
  const maker = new MarketMaker({ db, intake, limits, log, marketHours, inventoryMax });
  if (marketReplay) {
    log.info('the market replays a file', { ...marketReplay });
    const replay = new ReplayedPrices(marketReplay, catalog, log);
    return new MarketSimulator(db, catalog, replay, maker);
  }
  const seed = config.marketSeed ?? randomSecret(SEED_BYTES);
  log.info('the market is simulated', { seed, setting: 'MARKET_SEED' });
  return new MarketSimulator(db, catalog, new SimulatedPrices(seed, marketHours), maker);
}
