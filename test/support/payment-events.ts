import { v7 as uuidv7 } from 'uuid';
import type { PaymentEvent } from '../../src/payment-provider/instructions.js';
import { signatureHeaders } from '../../src/payment-provider/signature.js';
import type { Answer, Api } from './api.js';
import type { Trading } from './trading.js';

/** An event of the payment provider, with defaults. */
export const paymentEvent = (
  reference: string,
  type: PaymentEvent['type'],
  more: Partial<Omit<PaymentEvent, 'payment'>> & Partial<PaymentEvent['payment']> = {},
): PaymentEvent => ({
  id: more.id ?? uuidv7(),
  type,
  sequence: more.sequence ?? 1,
  created_at: new Date().toISOString(),
  payment: {
    id: uuidv7(),
    reference,
    direction: more.direction ?? 'incoming',
    amount: more.amount ?? '100',
    currency: 'USD',
  },
  reason: more.reason ?? null,
});

/** Posts an event as the payment provider does. */
export function postEvent(
  { container }: Pick<Trading, 'container'>,
  api: Pick<Api, 'call'>,
  event: PaymentEvent,
  {
    secret = container.config.paymentProviderSecret,
    sentAt = new Date(),
    headers = {},
    body = JSON.stringify(event),
  }: { secret?: string; sentAt?: Date; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const signed = signatureHeaders(secret, { id: event.id, sentAt, body: JSON.stringify(event) });
  return api.call('POST', '/v2/payment_provider/callbacks', {
    headers: { 'Content-Type': 'application/json', ...signed, ...headers },
    body,
  });
}
