import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type SpanOptions,
  type Tracer,
} from '@opentelemetry/api';
import type { Telemetry } from 'bullmq';

/**
 * What the product begins its spans with. This is OpenTelemetry's API alone, which does nothing by
 * itself; the SDK behind it is loaded only when tracing is on (`start.ts`).
 */
export const startSpan: Tracer['startSpan'] = (name, options, parent) =>
  trace.getTracer('brokerx').startSpan(name, options, parent);

let queues: Telemetry | undefined;

/** Asked first on the order path, so that tracing that is off costs a comparison. */
export const isTracing = (): boolean => queues !== undefined;

/** For every queue and worker of BullMQ; nothing while tracing is off. */
export const queueTelemetry = (): { telemetry: Telemetry } | undefined =>
  queues && { telemetry: queues };

/** @param telemetry of BullMQ; undefined turns tracing off */
export function setTracing(telemetry: Telemetry | undefined): void {
  queues = telemetry;
}

/** Where we are, if that is in a trace that is recorded. */
export const activeTrace = (): Context | null =>
  trace.getActiveSpan()?.isRecording() ? context.active() : null;

/**
 * Runs what goes on for others when whoever began it has long got an answer, such as a loop over a
 * queue: it is no part of the trace in which it happened to begin.
 */
export const outsideOfTraces = <T>(work: () => T): T =>
  isTracing() ? context.with(ROOT_CONTEXT, work) : work();

/** A trace as a row or a job carries it: the header `traceparent` of W3C Trace Context. */
export function traceparentOf(place: Context): string | null {
  const carrier: { traceparent?: string } = {};
  propagation.inject(place, carrier);
  return carrier.traceparent ?? null;
}

export const placeOf = (traceparent: string): Context =>
  propagation.extract(ROOT_CONTEXT, { traceparent });

/** Marks a span as failed. The message stays in the log: it may name somebody. */
export function fail(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute('error.type', errorType(error));
}

/** SQLSTATE, a socket's code such as ECONNREFUSED, or the error's class. */
function errorType(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.name : 'unknown';
}

/** Does some work in a span of its own, below the one that is active. */
export async function inSpan<T>(
  name: string,
  options: SpanOptions,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const span = startSpan(name, options);
  try {
    return await context.with(trace.setSpan(context.active(), span), () => work(span));
  } catch (error) {
    fail(span, error);
    throw error;
  } finally {
    span.end();
  }
}
