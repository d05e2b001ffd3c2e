import type { Delivery, Endpoint } from './model.js';

const timeOf = (time: Date | null): string | null => time?.toISOString() ?? null;

/** An endpoint as its owner sees it, without its secrets. */
export const presentEndpoint = (endpoint: Endpoint): Record<string, unknown> => ({
  id: endpoint.id,
  url: endpoint.url,
  description: endpoint.description,
  events: endpoint.events,
  enabled: endpoint.enabled,
  disabled_reason: endpoint.disabledReason,
  disabled_at: timeOf(endpoint.disabledAt),
  last_event_id: Number(endpoint.cursor),
  failed_attempts: endpoint.attempts,
  failing_since: timeOf(endpoint.failingSince),
  next_attempt_at: endpoint.enabled && endpoint.attempts > 0 ? timeOf(endpoint.dueAt) : null,
  last_success_at: timeOf(endpoint.lastSuccessAt),
  previous_secret_until: timeOf(endpoint.previousSecretUntil),
  created_at: timeOf(endpoint.createdAt),
  updated_at: timeOf(endpoint.updatedAt),
});

export const presentDelivery = (delivery: Delivery): Record<string, unknown> => ({
  id: delivery.id,
  event_id: delivery.eventId === null ? null : Number(delivery.eventId),
  type: delivery.type,
  webhook_id: delivery.messageId,
  status: delivery.status,
  attempts: delivery.attempts,
  attempted_at: timeOf(delivery.attemptedAt),
  duration_ms: delivery.durationMs,
  response_status: delivery.responseStatus,
  response_body: delivery.responseBody,
  error: delivery.error,
  created_at: timeOf(delivery.createdAt),
});
