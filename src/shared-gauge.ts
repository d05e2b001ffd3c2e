import { Gauge, type GaugeConfiguration } from 'prom-client';

/**
 * A gauge about what all processes share, such as the length of a queue. Any of them may measure it,
 * and next time another one does: so what a process has not measured for a while it tells no more.
 * Over all processes the maximum counts.
 */
export class SharedGauge<Label extends string = never> extends Gauge<Label> {
  private measuredAt = -Infinity;
  private readonly isLabelled: boolean;

  /** @param staleAfterMs a few times the interval at which it is measured */
  constructor(
    config: Omit<GaugeConfiguration<Label>, 'aggregator' | 'collect'>,
    private readonly staleAfterMs: number,
  ) {
    super({ ...config, aggregator: 'max' });
    this.isLabelled = (config.labelNames?.length ?? 0) > 0;
    this.forget();
  }

  override set(...args: [number] | [Partial<Record<Label, string | number>>, number]): void {
    this.measuredAt = performance.now();
    if (args.length === 1) super.set(args[0]);
    else super.set(...args);
  }

  /** Nothing is known any more. */
  forget(): void {
    this.reset();
    if (!this.isLabelled) this.remove(); // a reset leaves a 0
  }

  /** Called whenever somebody asks. */
  collect(): void {
    if (performance.now() - this.measuredAt > this.staleAfterMs) this.forget();
  }
}
