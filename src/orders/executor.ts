import { setTimeout as sleep } from 'node:timers/promises';
import { isConnectionLost, isDataError, isRetryable, type Database } from '../db.js';
import type { Logger } from '../log.js';
import {
  eventLag,
  executionBatchSize,
  executionDuration,
  ordersExecuted,
  staleFences,
  tradedValue,
  tradesExecuted,
  workWait,
} from '../metrics.js';
import * as sql from './execute-statements.js';
import { TradingHours } from '../domain/sessions.js';
import type { MarketHours } from '../domain/clock.js';
import { newId } from '../ids.js';
import { shardQueueName } from '../queue/queues.js';
import { Settlement } from './settlement.js';
import type { PassRoutes } from './pass-routes.js';
import type { PassRules } from './pass-prices.js';
import { TradingBlocks } from './trading-blocks.js';
import { PassReads, readBlocks, takeWork } from './waiting-work.js';
import type { WorkItem } from './working-order.js';
import type { AcceptanceWishes } from '../notifications/acceptance-wishes.js';
import type { LimitBook } from '../risk/limits.js';
import type { SettlementRecord } from './settlement-record.js';
import { writeSettlement, type PassNote } from './settlement-store.js';
import { reportRoutes } from '../venue/report-routes.js';
import { outsideOfTraces } from '../tracing/spans.js';
import { PassSpans } from './pass-spans.js';

export interface ExecutorDeps {
  db: Database;
  log: Logger;
  /** Names this process in the claims and the logs. */
  worker: string;
  marketHours: MarketHours;
  /** What decides whether a market is open; the time by default. */
  now?: () => Date;
  marketCollarBps: number;
  /** So long an order may stay at the external venue, at most. */
  venueGoodForMs: number;
  limits: Pick<LimitBook, 'for'>;
  /** Whose clients are told that an order came to the market. */
  acceptanceWishes: Pick<AcceptanceWishes, 'has'>;
  /** Told after a commit that notifications wait. Must neither wait nor throw. */
  nudgeNotifications: () => void;
  /** Told after a commit which accounts have new events. Must neither wait nor throw. */
  announce: (accountIds: readonly string[]) => void;
  /** Told after a commit whose books may have changed. Must neither wait nor throw. */
  announceMarket: (assetIds: readonly string[]) => void;
  /** Told after a commit of which routes the external venue has to hear. Must neither wait nor throw. */
  tellVenue: (routeIds: readonly string[]) => void;
}

interface Request {
  shard: number;
  jobId: string;
  resolve: () => void;
  reject: (error: unknown) => void;
}
interface ShardFence {
  shard: number;
  fence: bigint;
}
interface Pass {
  work: WorkItem[];
  settlement: SettlementRecord | null;
  /** What it has done with the external venue. */
  routes: PassRoutes | null;
  /** Shards that somebody else is settling at this moment. */
  busy: number[];
  stale: number[];
  spans: PassSpans;
}

/** Work items of one transaction, over all its shards. */
const PASS_MAX = 1_000;
const BUSY_PAUSE_MS = 3;
/**
 * Under load a pass waits a moment and takes more work along, which then shares what a pass costs
 * whatever its size: its jobs, its statements, two commits. In quiet times it starts at once.
 */
const BUSY_PASS = 20;
const GATHER_MS = 40;
const MAX_ATTEMPTS = 8;
const ISOLATION_PAUSE_MS = 50;
/** A log line names its orders when they are few. */
const LOGGED_ORDERS_MAX = 20;

/**
 * Drains shards: matches their waiting work in sequence order and settles it in one transaction.
 * Safe to call any number of times, from any number of processes.
 *
 * Shards asked for while a pass is under way share the next one, as orders share a commit at intake.
 * A pass first claims its shards (a new fence each); inside the transaction it locks them and goes
 * on only with those whose fence is still its own. A worker that was stopped between the two, and
 * whose job was given to another, finds a newer fence and leaves the shard alone.
 */
export class Executor {
  private requests: Request[] = [];
  private running = false;
  /** When a pass last settled something, for the watchdog. */
  private lastProgress = Date.now();
  private lastPassSize = 0;

  constructor(private readonly deps: ExecutorDeps) {}

  get idleMs(): number {
    return Date.now() - this.lastProgress;
  }

  /**
   * Resolves when all work of the shard that was waiting at the call is settled, or somebody with a
   * newer claim has taken it over.
   */
  drain(shard: number, jobId: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.requests.push({ shard, jobId, resolve, reject });
      if (!this.running) void outsideOfTraces(() => this.run());
    });
  }

  /** Pass after pass until nobody waits; each takes along the shards that were asked for meanwhile. */
  private async run(): Promise<void> {
    this.running = true;
    await new Promise(setImmediate); // jobs that were delivered in the same tick share the pass
    let waiting: Request[] = [];
    let claims: ShardFence[] = [];
    while (waiting.length + this.requests.length > 0) {
      if (this.lastPassSize >= BUSY_PASS) await sleep(GATHER_MS);
      waiting.push(...this.requests.splice(0));
      try {
        claims = await this.claimMissing(waiting, claims);
        const unfinished = await this.drainOnce(waiting, claims);
        for (const { shard, resolve } of waiting) if (!unfinished.has(shard)) resolve();
        waiting = waiting.filter(({ shard }) => unfinished.has(shard));
        claims = claims.filter(({ shard }) => unfinished.has(shard));
      } catch (error) {
        for (const { reject } of waiting) reject(error);
        waiting = [];
        claims = [];
      }
    }
    this.running = false;
  }

  private async claimMissing(
    waiting: readonly Request[],
    claims: ShardFence[],
  ): Promise<ShardFence[]> {
    const claimed = new Set(claims.map(({ shard }) => shard));
    const missing = new Set(waiting.map(({ shard }) => shard).filter((one) => !claimed.has(one)));
    return missing.size === 0 ? claims : [...claims, ...(await this.claim([...missing]))];
  }

  /** One pass. @returns the shards that have more, or that somebody else is settling right now */
  private async drainOnce(
    waiting: readonly Request[],
    claims: readonly ShardFence[],
  ): Promise<Set<number>> {
    const perShard = Math.ceil(PASS_MAX / claims.length);
    const started = performance.now();
    const jobs = waiting
      .map(({ shard, jobId }) => `${shardQueueName(shard)}/${jobId}`)
      .slice(0, LOGGED_ORDERS_MAX);
    const pass = await this.attempt(claims, perShard, jobs);
    this.lastPassSize = pass.work.length;
    if (pass.work.length > 0) this.lastProgress = Date.now();
    const seconds = (performance.now() - started) / 1_000;
    pass.spans.run(() => this.report(pass, waiting, seconds));
    if (pass.stale.length > 0) {
      staleFences.inc(pass.stale.length);
      this.deps.log.warn('stale fence: another worker has the shards', { shards: pass.stale });
    }
    if (pass.work.length === 0 && pass.busy.length > 0) await sleep(BUSY_PAUSE_MS);
    return new Set([...pass.busy, ...fullShards(pass.work, perShard)]);
  }

  private claim(shards: readonly number[]): Promise<ShardFence[]> {
    return this.deps.db.run<ShardFence>(sql.CLAIM_SHARDS, [shards, this.deps.worker]);
  }

  private async attempt(
    claims: readonly ShardFence[],
    perShard: number,
    jobs: readonly string[],
  ): Promise<Pass> {
    const pickedUpAt = new Date();
    for (let attempt = 1; ; attempt++) {
      const note = { id: newId(), worker: this.deps.worker, attempt, jobs, pickedUpAt };
      try {
        return await this.pass(claims, perShard, note);
      } catch (error) {
        // Nothing computed in memory survives a rollback: the next attempt reads everything anew.
        if (isRetryable(error) && attempt < MAX_ATTEMPTS) await sleep(Math.random() * 10 * attempt);
        else if (isOfItsOwn(error)) return this.isolate(claims, note, error);
        else throw error;
      }
    }
  }

  /**
   * Something in the work cannot be done, whatever it is: item by item it holds up nothing but itself.
   * Each failure is counted; after a few the settlement gives the item up, and its order ends.
   */
  private async isolate(
    claims: readonly ShardFence[],
    note: Omit<PassNote, 'matchedAt'>,
    cause: unknown,
  ): Promise<Pass> {
    this.deps.log.error('a pass failed; its work is done item by item', { error: cause });
    const shards = claims.map(({ shard }) => shard);
    const passes: Pass[] = [];
    for (const claim of claims) {
      try {
        passes.push(await this.pass([claim], 1, { ...note, id: newId() }));
      } catch (error) {
        if (!isOfItsOwn(error)) throw error;
        const [item] = await this.deps.db.run<object>(sql.COUNT_ATTEMPT, [claim.shard]);
        this.deps.log.error('work failed', { shard: claim.shard, ...item, error });
      }
    }
    for (const pass of passes) pass.spans.run(() => this.report(pass, [], 0));
    await sleep(ISOLATION_PAUSE_MS);
    return {
      work: [],
      settlement: null,
      routes: null,
      busy: shards,
      stale: passes.flatMap(({ stale }) => stale),
      spans: new PassSpans(),
    };
  }

  private async pass(
    claims: readonly ShardFence[],
    perShard: number,
    note: Omit<PassNote, 'matchedAt'>,
  ): Promise<Pass> {
    const spans = new PassSpans();
    try {
      const pass = await this.settle(claims, perShard, note, spans);
      spans.end();
      return pass;
    } catch (error) {
      spans.end(error);
      throw error;
    }
  }

  private settle(
    claims: readonly ShardFence[],
    perShard: number,
    note: Omit<PassNote, 'matchedAt'>,
    spans: PassSpans,
  ): Promise<Pass> {
    return this.deps.db.transaction(async (tx) => {
      const wanted = claims.map(({ shard }) => shard);
      const [locked, blocks] = await Promise.all([
        tx.run<ShardFence>(sql.LOCK_SHARDS, [wanted]),
        readBlocks(tx),
      ]);
      const valid = new Map(locked.map(({ shard, fence }) => [shard, fence]));
      const busy = wanted.filter((shard) => !valid.has(shard));
      const stale = claims
        .filter(({ shard, fence }) => valid.has(shard) && valid.get(shard) !== fence)
        .map(({ shard }) => shard);
      const mine = [...valid.keys()].filter((shard) => !stale.includes(shard));
      const work = mine.length === 0 ? [] : await takeWork(tx, mine, perShard);
      if (work.length === 0) return { work, settlement: null, routes: null, busy, stale, spans };
      const settlement = new Settlement(this.rules(new TradingBlocks(blocks)), new PassReads(tx));
      await spans.execute(tx, work, () => settlement.run(work));
      const { market } = settlement;
      const matched = { ...note, matchedAt: new Date() };
      await spans.settle(tx, market.record, () => writeSettlement(tx, work, market, matched));
      const { record, routes } = market;
      return { work, settlement: record, routes, busy, stale, spans };
    });
  }

  private rules(blocks: TradingBlocks): PassRules {
    const { marketHours, marketCollarBps, venueGoodForMs, limits, acceptanceWishes } = this.deps;
    const { now: clock } = this.deps;
    const now = clock ? clock() : new Date();
    return {
      now,
      hours: new TradingHours(marketHours, now),
      blocks,
      marketCollarBps,
      venueGoodForMs,
      tellsAcceptance: (accountId) => acceptanceWishes.has(accountId),
      collarBps: (accountId, assetId) => limits.for(accountId, assetId).collarBps,
    };
  }

  /** Only after the commit: metrics, one log line, and the word that notifications wait. */
  private report(pass: Pass, requests: readonly Request[], seconds: number): void {
    const { work, settlement, routes } = pass;
    if (!settlement) return;
    const now = Date.now();
    for (const { kind, waitingSince, order } of work) {
      const age = (now - waitingSince.getTime()) / 1_000;
      workWait.observe(Math.max(0, age - seconds));
      eventLag.observe(age);
      ordersExecuted.inc({ outcome: kind === 'cancel' ? 'cancel' : order.status });
    }
    executionBatchSize.observe(work.length);
    executionDuration.observe(seconds);
    tradesExecuted.inc(settlement.trades.length);
    tradedValue.inc(settlement.trades.reduce((sum, { value }) => sum + Number(value), 0) / 10_000);
    this.deps.announce([...settlement.accounts.keys()]);
    this.deps.announceMarket([...new Set(work.map(({ order }) => order.assetId))]);
    if (settlement.notifications.size > 0) this.deps.nudgeNotifications();
    if (routes) reportRoutes(routes, this.deps);
    this.deps.log.info('settled', {
      shards: [...new Set(work.map(({ shard }) => shard))],
      job_ids: requests.map(({ jobId }) => jobId).slice(0, LOGGED_ORDERS_MAX),
      orders: work.length,
      trades: settlement.trades.length,
      duration_ms: Math.round(seconds * 1_000),
      ...(work.length <= LOGGED_ORDERS_MAX && { order_ids: work.map(({ order }) => order.id) }),
    });
  }
}

/** The work itself cannot be done: bad data or a bug, not Postgres that is full, slow or away. */
const isOfItsOwn = (error: unknown): boolean =>
  isDataError(error) ||
  (error instanceof Error && !('code' in error) && !isRetryable(error) && !isConnectionLost(error));

/** Shards whose limit was reached: there may be more. */
function fullShards(work: readonly WorkItem[], perShard: number): number[] {
  const counts = new Map<number, number>();
  for (const { shard } of work) counts.set(shard, (counts.get(shard) ?? 0) + 1);
  return [...counts].filter(([, count]) => count >= perShard).map(([shard]) => shard);
}
