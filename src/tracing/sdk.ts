import { setTimeout as sleep } from 'node:timers/promises';
import { hostname } from 'node:os';
import { context, diag, DiagLogLevel, propagation, SpanKind, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  type ReadableSpan,
  type Sampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { BullMQOtel } from 'bullmq-otel';
import type { Config } from '../config.js';
import type { Logger } from '../log.js';
import { traceRedis } from './redis.js';
import { setTracing } from './spans.js';
import type { StopTracing } from './start.js';

/** What waits to be sent; what comes on top is thrown away and counted in a warning. */
const SPANS_WAITING_MAX = 8_192;
const SPANS_AT_ONCE = 1_024;
const SEND_EVERY_MS = 1_000;
const SEND_TIMEOUT_MS = 5_000;
/** Less than what a process takes to close its connections. */
const FLUSH_MAX_MS = 800;
const WARN_EVERY_MS = 60_000;

/** Only to be imported by `start.ts`, when tracing is on. */
export function startSdk(
  { endpoint, sampleRatio }: Config['tracing'],
  service: string,
  log: Logger,
): StopTracing {
  diag.setLogger(quietDiagnostics(log), DiagLogLevel.WARN);
  const exporter = new OTLPTraceExporter({
    url: `${endpoint}/v1/traces`,
    timeoutMillis: SEND_TIMEOUT_MS,
  });
  const batches = new BatchSpanProcessor(exporter, {
    maxQueueSize: SPANS_WAITING_MAX,
    maxExportBatchSize: SPANS_AT_ONCE,
    scheduledDelayMillis: SEND_EVERY_MS,
    exportTimeoutMillis: SEND_TIMEOUT_MS,
  });
  const provider = new NodeTracerProvider({
    resource: describeProcess(service),
    sampler: new ParentBasedSampler({ root: new RequestSampler(sampleRatio) }),
    spanProcessors: [new MessageRemover(), batches],
  });
  // Without baggage: it would carry whatever callers send from header to job to row.
  provider.register({ propagator: new W3CTraceContextPropagator() });
  const stopRedis = traceRedis();
  setTracing(new BullMQOtel({ tracerName: 'bullmq' }));
  return async () => {
    setTracing(undefined);
    stopRedis();
    await Promise.race([provider.shutdown().catch(() => undefined), sleep(FLUSH_MAX_MS)]);
    trace.disable();
    context.disable();
    propagation.disable();
    diag.disable();
  };
}

/** @param service such as `api`, or `worker-orders-notifications` */
const describeProcess = (service: string) =>
  defaultResource().merge(
    resourceFromAttributes({
      'service.namespace': 'brokerx',
      'service.name': `brokerx-${service.split('-')[0]!}`,
      'service.instance.id': `${hostname()}-${process.pid}`,
      'brokerx.process': service,
    }),
  );

/**
 * A trace begins with a request. Without one a sweep, a quote of the market maker or a look into a table
 * would be a trace of its own, many times a second.
 */
class RequestSampler implements Sampler {
  private readonly ratio: TraceIdRatioBasedSampler;

  constructor(ratio: number) {
    this.ratio = new TraceIdRatioBasedSampler(ratio);
  }

  shouldSample(...[place, traceId, , kind]: Parameters<Sampler['shouldSample']>) {
    if (kind !== SpanKind.SERVER) return { decision: SamplingDecision.NOT_RECORD };
    return this.ratio.shouldSample(place, traceId);
  }

  toString(): string {
    return `RequestSampler{${this.ratio.toString()}}`;
  }
}

const MESSAGES = ['exception.message', 'exception.stacktrace', 'bullmq.job.failed.reason'];

/**
 * Takes messages of errors out of spans before they leave: a mail server's names the receiver. What kind
 * of error it was stays; the message is in the log, beside the trace's id.
 */
class MessageRemover implements SpanProcessor {
  onStart(): void {
    // there is no error yet
  }

  onEnd({ status, events, attributes }: ReadableSpan): void {
    delete status.message;
    for (const holder of [attributes, ...events.map((event) => event.attributes ?? {})]) {
      for (const name of MESSAGES) Reflect.deleteProperty(holder, name);
    }
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** The SDK says so for every batch that it cannot send; once a minute will do. */
function quietDiagnostics(log: Logger) {
  let warnedAt = -Infinity;
  const warn = (message: string): void => {
    if (performance.now() - warnedAt < WARN_EVERY_MS) return;
    warnedAt = performance.now();
    log.warn('traces are not sent', { reason: reasonIn(message) });
  };
  const ignore = (): void => undefined;
  return { error: warn, warn, info: ignore, debug: ignore, verbose: ignore };
}

/** Errors come as JSON text with a stack. */
function reasonIn(text: string): string {
  try {
    const { message, code } = JSON.parse(text) as { message?: string; code?: string };
    return message || code || text.slice(0, 200);
  } catch {
    return text.slice(0, 200);
  }
}
