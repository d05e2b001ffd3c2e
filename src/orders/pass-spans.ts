import { BatchSpan } from '../tracing/batch-span.js';
import { OrderTraces } from '../tracing/order-traces.js';
import { startSpan } from '../tracing/spans.js';
import type { Tx } from '../db.js';
import type { SettlementRecord } from './settlement-record.js';
import type { WorkItem } from './working-order.js';

/**
 * What a pass does, in the traces of the orders that it works on: how long each waited for a worker, the
 * matching, the settling. Nothing, and no statement more, while tracing is off.
 */
export class PassSpans {
  private work: readonly WorkItem[] = [];
  private traces = OrderTraces.NONE;
  private executing = BatchSpan.NONE;
  private settling = BatchSpan.NONE;
  /** Not when the pass began: some of the work may have come while it waited for the shards' locks. */
  private takenAt = new Date();

  /** Matches what was just taken. @param match does it, in memory but for what it reads */
  async execute(tx: Tx, work: readonly WorkItem[], match: () => Promise<void>): Promise<void> {
    this.work = work;
    this.takenAt = new Date();
    this.traces = await OrderTraces.read(
      tx,
      work.map(({ newOrderId, order }) => newOrderId ?? order.id),
    );
    this.executing = BatchSpan.start('execute', work, (item) => this.traces.ofWork(item), {
      startTime: this.takenAt,
      attributes: { 'brokerx.batch.size': work.length },
    });
    await this.executing.run(match);
  }

  /** Settles, also for orders that the work has traded with. @param write does it */
  async settle(tx: Tx, record: SettlementRecord, write: () => Promise<void>): Promise<void> {
    this.executing.end();
    this.executing = BatchSpan.NONE;
    const worked = new Set(this.work.map(({ order }) => order.id));
    const others = [...record.notifications.keys()].filter((id) => !worked.has(id));
    const makers = await OrderTraces.read(tx, others);
    const places = [
      ...this.work.map((item) => this.traces.ofWork(item)),
      ...others.map((id) => makers.of(id)),
    ];
    this.settling = BatchSpan.start('settle', places, (place) => place, {
      attributes: { 'brokerx.trades': record.trades.length },
    });
    await this.settling.run(write);
  }

  /** After the commit, or with what came instead of it: then another attempt has spans of its own. */
  end(error?: unknown): void {
    this.executing.end(error);
    this.settling.end(error);
    if (error !== undefined) return;
    for (const item of this.work) {
      const place = this.traces.ofWork(item);
      if (!place) continue;
      const attributes = { 'brokerx.shard': item.shard, 'brokerx.work.kind': item.kind };
      const options = { startTime: item.waitingSince, attributes };
      startSpan('wait for a worker', options, place).end(this.takenAt);
    }
  }

  /** Runs what follows from the pass, such as its log line, as a part of it. */
  run<T>(work: () => T): T {
    return this.settling.run(work);
  }
}
