import type { Knex } from 'knex';
import { systemActor } from '../audit/record.js';
import {
  decideBand,
  HALT_MS,
  type BandDecision,
  type BandFacts,
  type BandState,
} from '../domain/band-state.js';
import { lastClose, newYorkDay, nyseSession, type MarketHours } from '../domain/clock.js';
import { isStranded, REFERENCE_WINDOW_MS, type Edge } from '../domain/price-bands.js';
import type { Logger } from '../log.js';
import { bandHalts, bandLimitStates } from '../metrics.js';
import { liftBlock, setBlock, type BlockSubject } from '../risk/blocks.js';
import {
  cancelStranded,
  deleteBand,
  forgetStops,
  insertBand,
  meanOfTrades,
  readBandedAssets,
  takeBandedAsset,
  writeBand,
  type BandedAsset,
} from './band-store.js';

export interface BandWorkDeps {
  readonly knex: Knex;
  readonly marketHours: MarketHours;
  readonly log: Logger;
  /** Told which shards have new work. Must neither wait nor throw. */
  readonly nudge: (shards: readonly number[]) => void;
}

/** How often the mean of an asset's trades is looked at while it trades. */
const MEAN_EVERY_MS = 10_000;
const HALT_REASONS = { upper: 'limit_up', lower: 'limit_down' } as const;
const BY = systemActor('price-bands');

/**
 * Moves the price bands with the trades, withdraws what they leave behind, and halts an asset whose
 * market presses against an edge (docs/market.md). A look costs one statement, and one more for an asset
 * that trades; only what is to change is locked, read anew and decided again.
 */
export class BandWork {
  /** When the mean of each asset was last looked at; a new process just looks again. */
  private readonly meanSeenAt = new Map<string, number>();

  constructor(private readonly deps: BandWorkDeps) {}

  /** Safe to call any number of times, in any number of processes. */
  async run(now: Date): Promise<void> {
    const { knex, log } = this.deps;
    for (const asset of await readBandedAssets(knex)) {
      try {
        await this.lookAt(asset, now);
      } catch (error) {
        const { symbol } = asset; // the others' halts are not to wait for this one; the next look may do it
        log.error('the price bands of an asset could not be looked after', { symbol, error });
      }
    }
  }

  private async lookAt(asset: BandedAsset, now: Date): Promise<void> {
    const mean = asset.bandBps === null ? null : await this.meanOf(asset, now);
    if (!this.isDue(asset, mean, now)) return;
    if (asset.state) return this.act(asset.id, mean, now);
    await insertBand(this.deps.knex, asset.id, this.decide(asset, mean, now).state);
  }

  private async meanOf({ id, state, lastTradeAt }: BandedAsset, now: Date): Promise<bigint | null> {
    if (!state || !lastTradeAt || state.haltId !== null) return null;
    if (now.getTime() - lastTradeAt.getTime() > REFERENCE_WINDOW_MS) return null; // it stays
    const seenAt = this.meanSeenAt.get(id) ?? -Infinity;
    if (now.getTime() - seenAt < MEAN_EVERY_MS) return null;
    this.meanSeenAt.set(id, now.getTime());
    return meanOfTrades(this.deps.knex, id, state.countsFrom, now);
  }

  private isDue(asset: BandedAsset, mean: bigint | null, now: Date): boolean {
    const { state, bid, ask, bandBps } = asset;
    if (!state || bandBps === null) return true;
    const decision = this.decide(asset, mean, now);
    return (
      decision.act !== null ||
      isChanged(state, decision.state) ||
      (bid !== null && isStranded('buy', bid, state)) ||
      (ask !== null && isStranded('sell', ask, state)) ||
      (decision.state.limitEdge === null && wasStopped(asset))
    );
  }

  private decide(asset: BandedAsset, mean: bigint | null, now: Date): BandDecision {
    return decideBand(asset.state, this.factsOf(asset, mean, now));
  }

  private factsOf(asset: BandedAsset, mean: bigint | null, now: Date): BandFacts {
    const { priceIncrement, price, bid, ask, lastTradeAt, haltId } = asset;
    const { marketHours } = this.deps;
    const closes = asset.class === 'us_equity' && marketHours === 'nyse';
    return {
      now,
      terms: { class: asset.class, priceIncrement, bandBps: asset.bandBps! },
      hours: closes
        ? { session: nyseSession(newYorkDay(now)), lastClose: lastClose(now, marketHours) }
        : null,
      price,
      mean,
      best: { bid, ask },
      stoppedAt: { upper: asset.stoppedAtUpper, lower: asset.stoppedAtLower },
      lastTradeAt,
      haltId,
    };
  }

  /** Of two at once the second finds the asset locked, or nothing to do any more. */
  private async act(assetId: string, mean: bigint | null, now: Date): Promise<void> {
    const { knex, nudge } = this.deps;
    const done = await knex.transaction(async (trx) => {
      const asset = await takeBandedAsset(trx, assetId);
      if (!asset?.state || !this.isDue(asset, mean, now)) return null;
      if (asset.bandBps === null) {
        await this.lift(trx, asset, 'the asset has no price bands any more');
        await deleteBand(trx, assetId);
        return null;
      }
      const { state, act } = this.decide(asset, mean, now);
      if (act === 'lift') await this.lift(trx, asset, `${haltReasonOf(asset.state)} is over`);
      const next = act === 'halt' ? await halt(trx, asset, state, now) : state;
      if (isChanged(asset.state, next)) await writeBand(trx, assetId, next);
      if (act === 'halt' || next.limitEdge === null) await forgetStops(trx, assetId);
      return { asset, next, shards: await cancelStranded(trx, assetId, next) };
    });
    if (!done) return;
    if (done.shards.length > 0) nudge([...new Set(done.shards)]);
    this.report(done.asset, done.next, done.shards.length);
  }

  /** Ours only: what staff have halted meanwhile stays halted. */
  private async lift(trx: Knex.Transaction, asset: BandedAsset, reason: string): Promise<void> {
    const { haltId } = asset.state!;
    if (haltId === null) return;
    await liftBlock(trx, haltOf(asset), { by: BY, reason }, { bySuspension: false, id: haltId });
  }

  private report(asset: BandedAsset, next: BandState, orders: number): void {
    const { log } = this.deps;
    const { symbol, state } = asset;
    const { limitEdge: edge, haltId } = next;
    if (haltId !== null && state!.haltId === null) {
      bandHalts.inc({ direction: directionOf(edge!) });
      log.warn('an asset is halted at its price band', { symbol, reason: haltReasonOf(next) });
    } else if (edge !== null && edge !== state!.limitEdge) {
      bandLimitStates.inc({ direction: directionOf(edge) });
      log.info('the market presses against a price band', { symbol, edge });
    } else if (haltId === null && state!.haltId !== null) {
      log.info('an asset trades again around its price band', { symbol });
    }
    if (orders > 0) log.info('price bands moved away from orders', { symbol, orders });
  }
}

/** Halts the asset, unless somebody was first; theirs is not ours to lift. */
async function halt(
  trx: Knex.Transaction,
  asset: BandedAsset,
  state: BandState,
  now: Date,
): Promise<BandState> {
  const reason = haltReasonOf(state);
  const block = await setBlock(trx, haltOf(asset), { by: BY, reason });
  if (block.createdBy !== null || block.reason !== reason) return state;
  return { ...state, haltId: block.id, haltedUntil: new Date(now.getTime() + HALT_MS) };
}

const haltOf = ({ id, symbol }: BandedAsset): BlockSubject => ({
  kind: 'halt',
  target: { account_id: null, asset_id: id, symbol },
});

const haltReasonOf = ({ limitEdge }: BandState): string => HALT_REASONS[limitEdge!];

const directionOf = (edge: Edge): 'up' | 'down' => (edge === 'upper' ? 'up' : 'down');

const wasStopped = ({ stoppedAtUpper, stoppedAtLower }: BandedAsset): boolean =>
  stoppedAtUpper !== null || stoppedAtLower !== null;

const isChanged = (a: BandState, b: BandState): boolean =>
  (Object.keys(b) as (keyof BandState)[]).some((member) => {
    const [before, after] = [a[member], b[member]];
    return before instanceof Date && after instanceof Date
      ? before.getTime() !== after.getTime()
      : before !== after;
  });
