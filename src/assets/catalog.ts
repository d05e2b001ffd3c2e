import type { Knex } from 'knex';

/** An asset with its current prices, as the order path needs it. Prices in 10^-4 USD. */
export interface TradableAsset {
  id: string;
  symbol: string;
  name: string;
  class: 'us_equity' | 'crypto';
  exchange: string;
  status: 'active' | 'inactive';
  tradable: boolean;
  fractionable: boolean;
  shard: number;
  priceIncrement: bigint;
  minOrderSize: bigint;
  minTradeIncrement: bigint;
  /** The last trade on our own book, or the reference price before the first one. */
  lastPrice: bigint;
}

const REFRESH_MS = 500;

/**
 * The tradable assets and their last prices, kept in process and read anew twice a second, so that
 * the order path never asks Postgres for them.
 */
export class AssetCatalog {
  private bySymbol = new Map<string, TradableAsset>();
  private byId = new Map<string, TradableAsset>();
  private timer: NodeJS.Timeout | undefined;
  private refreshing: Promise<void> | undefined;

  constructor(
    private readonly knex: Knex,
    private readonly onError: (error: unknown) => void,
  ) {}

  async start(): Promise<void> {
    await this.refresh();
    this.timer = setInterval(() => void this.refresh().catch(this.onError), REFRESH_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Finds an asset by symbol (`AAPL`, `BTC/USD`, `BTCUSD`) or id. */
  find(symbolOrId: string): TradableAsset | undefined {
    return this.bySymbol.get(symbolOrId) ?? this.byId.get(symbolOrId);
  }

  /** @throws Error when the id is unknown: ids come from our own tables. */
  get(id: string): TradableAsset {
    const asset = this.byId.get(id);
    if (!asset) throw new Error(`asset ${id} is not in the catalog`);
    return asset;
  }

  all(): TradableAsset[] {
    return [...this.byId.values()];
  }

  /** Reads the assets again; concurrent calls share one query. */
  refresh(): Promise<void> {
    this.refreshing ??= this.load().finally(() => (this.refreshing = undefined));
    return this.refreshing;
  }

  private async load(): Promise<void> {
    const assets = await this.knex('assets')
      .join('market_prices', 'asset_id', 'assets.id')
      .whereNot('class', 'currency')
      .select<TradableAsset[]>(
        'assets.id',
        'symbol',
        'name',
        'class',
        'exchange',
        'status',
        'tradable',
        'fractionable',
        'shard',
        'price_increment as priceIncrement',
        'min_order_size as minOrderSize',
        'min_trade_increment as minTradeIncrement',
        this.knex.raw('coalesce(last_price, reference_price) as "lastPrice"'),
      );
    this.byId = new Map(assets.map((asset) => [asset.id, asset]));
    this.bySymbol = new Map(assets.map((asset) => [asset.symbol, asset]));
    for (const asset of assets) this.bySymbol.set(asset.symbol.replace('/', ''), asset);
  }
}
