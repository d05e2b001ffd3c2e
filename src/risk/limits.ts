import type { Knex } from 'knex';
import type { Config } from '../config.js';
import { parseDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';

/** What orders are checked against before they trade, in the manner of SEC rule 15c3-5. */
export interface RiskLimits {
  /** Of one order, in 10^-9 units. */
  readonly maxQty: bigint;
  /** Of one order, in 10^-4 USD. */
  readonly maxNotional: bigint;
  /** How far from the market an order's price may be, in 1/100 of a percent. */
  readonly collarBps: number;
  /** What open buy orders may come to, in 10^-4 USD; null is no limit. */
  readonly maxOpenExposure: bigint | null;
  /** An order like another within this time is refused; 0 is off. */
  readonly duplicateWindowMs: number;
  /** 0 is no limit. */
  readonly maxOrdersPerSecond: number;
}

/** One row of `risk_limits`: null where it does not say anything. */
export type PartialLimits = { readonly [Name in keyof RiskLimits]: RiskLimits[Name] | null };

interface LimitRow extends PartialLimits {
  readonly accountId: string | null;
  readonly assetId: string | null;
}

const REFRESH_MS = 300;
const NOBODY = '';

/** The settings that limits come from. */
export type LimitSettings = Pick<
  Config,
  | 'maxOrderQty'
  | 'maxOrderNotional'
  | 'priceCollarBps'
  | 'maxOpenExposure'
  | 'duplicateWindowMs'
  | 'maxOrdersPerSecond'
>;

/** The limits that hold where no row says otherwise. */
export const defaultLimits = (config: LimitSettings): RiskLimits =>
  Object.freeze({
    maxQty: parseDecimal(config.maxOrderQty, QTY_SCALE),
    maxNotional: parseDecimal(config.maxOrderNotional, PRICE_SCALE),
    collarBps: config.priceCollarBps,
    maxOpenExposure:
      config.maxOpenExposure === '' ? null : parseDecimal(config.maxOpenExposure, PRICE_SCALE),
    duplicateWindowMs: config.duplicateWindowMs,
    maxOrdersPerSecond: config.maxOrdersPerSecond,
  });

/**
 * The limits in force, kept in process and compared with Postgres every 300 ms, so that a change acts
 * in every process within a second and the order path never asks for it.
 */
export class LimitBook {
  private house: RiskLimits;
  private byAccount = new Map<string, LimitRow>();
  private byAsset = new Map<string, LimitRow>();
  /** By the account and the asset that have a row of their own; the others share one entry. */
  private resolved = new Map<string, Map<string, RiskLimits>>();
  private fingerprint = '';
  private timer: NodeJS.Timeout | undefined;
  private refreshing: Promise<void> | undefined;

  constructor(
    private readonly knex: Knex,
    private readonly defaults: RiskLimits,
    private readonly onError: (error: unknown) => void,
  ) {
    this.house = defaults;
  }

  async start(): Promise<void> {
    await this.refresh();
    this.timer = setInterval(() => void this.refresh().catch(this.onError), REFRESH_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /**
   * The limits of an order. Each is the strictest of what the account's and the asset's row say,
   * else the house's, else the setting. The same frozen object until the next change.
   */
  for(accountId: string, assetId: string): RiskLimits {
    const account = this.byAccount.get(accountId);
    const asset = this.byAsset.get(assetId);
    if (!account && !asset) return this.house;
    const assets = this.resolvedFor(account ? accountId : NOBODY);
    const key = asset ? assetId : NOBODY;
    let limits = assets.get(key);
    if (!limits) assets.set(key, (limits = overlay(this.house, strictest(account, asset))));
    return limits;
  }

  /** Reads the limits again when they have changed; concurrent calls share the queries. */
  refresh(): Promise<void> {
    this.refreshing ??= this.load().finally(() => (this.refreshing = undefined));
    return this.refreshing;
  }

  private resolvedFor(key: string): Map<string, RiskLimits> {
    let assets = this.resolved.get(key);
    if (!assets) this.resolved.set(key, (assets = new Map<string, RiskLimits>()));
    return assets;
  }

  private async load(): Promise<void> {
    const fingerprint = await readFingerprint(this.knex);
    if (fingerprint === this.fingerprint) return;
    const rows = await readRows(this.knex);
    const house = rows.find(({ accountId, assetId }) => accountId === null && assetId === null);
    this.house = house ? overlay(this.defaults, house) : this.defaults;
    this.byAccount = new Map(
      rows.filter(({ accountId }) => accountId !== null).map((row) => [row.accountId!, row]),
    );
    this.byAsset = new Map(
      rows.filter(({ assetId }) => assetId !== null).map((row) => [row.assetId!, row]),
    );
    this.resolved = new Map();
    this.fingerprint = fingerprint; // last: what failed half-way is done again
  }
}

/** Changes with every row that comes, goes or gets a new version; costs no more than a count. */
async function readFingerprint(knex: Knex): Promise<string> {
  const { rows } = await knex.raw<{ rows: { fingerprint: string }[] }>(
    `select count(*) || ':' || coalesce(sum(hashtextextended(id::text, version)), 0) as fingerprint
     from risk_limits`,
  );
  return rows[0]!.fingerprint;
}

const readRows = (knex: Knex): Promise<LimitRow[]> =>
  knex('risk_limits').select<LimitRow[]>({
    accountId: 'account_id',
    assetId: 'asset_id',
    maxQty: 'max_order_qty',
    maxNotional: 'max_order_notional',
    collarBps: 'collar_bps',
    maxOpenExposure: 'max_open_exposure',
    duplicateWindowMs: 'duplicate_window_ms',
    maxOrdersPerSecond: 'max_orders_per_second',
  });

/** `base` with what `limits` says over it. */
const overlay = (base: RiskLimits, limits: PartialLimits): RiskLimits =>
  Object.freeze({
    maxQty: limits.maxQty ?? base.maxQty,
    maxNotional: limits.maxNotional ?? base.maxNotional,
    collarBps: limits.collarBps ?? base.collarBps,
    maxOpenExposure: limits.maxOpenExposure ?? base.maxOpenExposure,
    duplicateWindowMs: limits.duplicateWindowMs ?? base.duplicateWindowMs,
    maxOrdersPerSecond: limits.maxOrdersPerSecond ?? base.maxOrdersPerSecond,
  });

function strictest(one: PartialLimits | undefined, other: PartialLimits | undefined) {
  if (!one || !other) return (one ?? other)!;
  return {
    maxQty: least(one.maxQty, other.maxQty),
    maxNotional: least(one.maxNotional, other.maxNotional),
    collarBps: least(one.collarBps, other.collarBps),
    maxOpenExposure: least(one.maxOpenExposure, other.maxOpenExposure),
    duplicateWindowMs: greatest(one.duplicateWindowMs, other.duplicateWindowMs),
    maxOrdersPerSecond: leastRate(one.maxOrdersPerSecond, other.maxOrdersPerSecond),
  };
}

function least<T extends bigint | number>(one: T | null, other: T | null): T | null {
  if (one === null || other === null) return one ?? other;
  return one < other ? one : other;
}

/** A longer window refuses more. */
const greatest = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.max(one, other);

/** 0 is no limit: the other one is stricter. */
const leastRate = (one: number | null, other: number | null): number | null =>
  one === 0 ? (other ?? one) : other === 0 ? (one ?? other) : least(one, other);
