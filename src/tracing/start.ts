import { trace } from '@opentelemetry/api';
import type { Config } from '../config.js';
import type { Logger } from '../log.js';

/** Sends what is left, within a bound; never throws. */
export type StopTracing = () => Promise<void>;

/**
 * Starts tracing, if the settings say so; before anything that it is to see is opened. Only then are
 * OpenTelemetry's SDK and its exporter loaded.
 * @param service names the process, such as `api`
 */
export async function startTracing(
  { tracing }: Pick<Config, 'tracing'>,
  service: string,
  log: Logger,
): Promise<StopTracing> {
  if (tracing.exporter === 'off') return () => Promise.resolve();
  const { startSdk } = await import('./sdk.js');
  const stop = startSdk(tracing, service, log);
  nameTraces(log);
  log.info('tracing is on', { endpoint: tracing.endpoint, sample_ratio: tracing.sampleRatio });
  return stop;
}

/** Writes `trace_id` and `span_id` into lines of traced work; winston reads them when a line is logged. */
function nameTraces(log: Logger): void {
  Object.defineProperties(log.defaultMeta as object, {
    trace_id: { enumerable: true, get: () => trace.getActiveSpan()?.spanContext().traceId },
    span_id: { enumerable: true, get: () => trace.getActiveSpan()?.spanContext().spanId },
  });
}
