import { presentEvent, type EventView } from '../streams/events.js';

/** What is posted. The id is the same at each attempt and replay; receivers tell copies by it. */
export interface Message {
  readonly id: string;
  readonly body: string;
}

const BODY_MAX_BYTES = 20_000;

export const TEST_TYPE = 'webhook.test';

/** No dots: in what is signed they separate the id from the rest. */
export const messageIdOf = (accountId: string, eventId: bigint): string =>
  `evt_${accountId}_${eventId}`;

export const testMessageId = (deliveryId: string): string => `test_${deliveryId}`;

/** An event as it is posted: what `/v2/events` shows of it, in the form of a Standard Webhook. */
export function eventMessage(accountId: string, event: EventView): Message {
  const timestamp = event.occurredAt.toISOString();
  const data = presentEvent(event);
  const whole = JSON.stringify({ type: event.type, timestamp, data });
  return {
    id: messageIdOf(accountId, event.eventId),
    body: Buffer.byteLength(whole) <= BODY_MAX_BYTES ? whole : shortened(event, timestamp),
  };
}

/** Too large for many a receiver: it reads the whole event from `/v2/events` by its id. */
const shortened = ({ type, eventId }: EventView, timestamp: string): string =>
  JSON.stringify({
    type,
    timestamp,
    data: { event_id: Number(eventId), event: type, timestamp, truncated: true },
  });

/** What a test sends. */
export const testMessage = (deliveryId: string, endpointId: string, at: Date): Message => ({
  id: testMessageId(deliveryId),
  body: JSON.stringify({
    type: TEST_TYPE,
    timestamp: at.toISOString(),
    data: { event_id: null, webhook_endpoint_id: endpointId },
  }),
});
