import type { TradableAsset } from '../assets/catalog.js';
import { tickAt } from '../domain/price-rules.js';
import type { Logger } from '../log.js';
import type { PriceSource, Reference, StandingPrice } from './price-source.js';
import { readReplay, type ReplayRow } from './replay-file.js';

export interface ReplaySettings {
  readonly file: string;
  /** 1 is the rhythm of the file, 2 twice as fast. */
  readonly speed: number;
  /** Whether it begins again at its end, or stands still there. */
  readonly repeat: boolean;
}

interface AssetsByName {
  /** By symbol: `AAPL`, `BTC/USD`, `BTCUSD`. */
  find(symbol: string): TradableAsset | undefined;
}

/**
 * Reference prices from a file, in the file's own rhythm: its first line counts as now. An asset that
 * the file does not name, or not yet, stays where it is.
 */
export class ReplayedPrices implements PriceSource {
  private rows: AsyncGenerator<ReplayRow> | null = null;
  private ahead: ReplayRow | null = null;
  /** Where the file's clock and ours stood when this round began, in ms since 1970. */
  private began = { file: 0, ours: 0 };
  private isOver = false;
  private readonly seen = new Map<string, Reference>();

  constructor(
    private readonly settings: ReplaySettings,
    private readonly assets: AssetsByName,
    private readonly log: Logger,
  ) {}

  async next(standing: readonly StandingPrice[], now: Date): Promise<Map<string, Reference>> {
    if (!this.isOver) await this.readUntil(now);
    return new Map(
      standing.map(({ asset, price }) => [
        asset.id,
        this.seen.get(asset.id) ?? { price, size: null },
      ]),
    );
  }

  stop(): void {
    this.isOver = true;
    void this.rows?.return(undefined);
  }

  private async readUntil(now: Date): Promise<void> {
    if (this.rows === null) await this.begin(now);
    const elapsedMs = (now.getTime() - this.began.ours) * this.settings.speed;
    while (this.ahead !== null && this.ahead.time.getTime() - this.began.file <= elapsedMs) {
      this.see(this.ahead);
      await this.readAhead();
    }
    if (this.ahead !== null) return;
    this.rows = null;
    this.isOver = !this.settings.repeat;
    const { file } = this.settings;
    this.log.info(this.isOver ? 'the replay is over' : 'the replay begins again', { file });
  }

  private async begin(now: Date): Promise<void> {
    this.rows = readReplay(this.settings.file, (symbol) => this.assets.find(symbol) !== undefined);
    await this.readAhead();
    this.began = { file: this.ahead!.time.getTime(), ours: now.getTime() };
  }

  private async readAhead(): Promise<void> {
    const read = await this.rows!.next();
    this.ahead = read.done ? null : read.value;
  }

  /** Trades of real markets may be off our tick: to the nearest. */
  private see({ symbol, price, size }: ReplayRow): void {
    const asset = this.assets.find(symbol)!;
    const tick = tickAt(price, asset);
    const ticks = (price + tick / 2n) / tick;
    this.seen.set(asset.id, { price: (ticks > 0n ? ticks : 1n) * tick, size });
  }
}
