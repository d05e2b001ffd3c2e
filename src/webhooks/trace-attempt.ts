import { SpanKind } from '@opentelemetry/api';
import type { Knex } from 'knex';
import type { EventView } from '../streams/events.js';
import { BatchSpan } from '../tracing/batch-span.js';
import { OrderTraces } from '../tracing/order-traces.js';
import { isTracing } from '../tracing/spans.js';
import type { Attempt } from './sender.js';

/**
 * Posts an event in the trace of the order that it tells of. Neither the URL, which may hold a secret,
 * nor a `traceparent` for the receiver: our traces are none of its business.
 */
export async function traceAttempt(
  knex: Knex,
  endpointId: string,
  event: EventView | null,
  post: () => Promise<Attempt>,
): Promise<Attempt> {
  if (!isTracing() || !event?.order) return post();
  const { id: orderId } = event.order;
  const traces = await OrderTraces.find(knex, [orderId]);
  const span = BatchSpan.start('post webhook', [orderId], (id) => traces.of(id), {
    kind: SpanKind.CLIENT,
    attributes: { 'brokerx.event': event.type, 'brokerx.webhook_endpoint_id': endpointId },
  });
  const attempt = await span.run(post);
  if (attempt.status !== null) span.setAttributes({ 'http.response.status_code': attempt.status });
  span.end(attempt.failure === null ? undefined : { code: attempt.failure });
  return attempt;
}
