import Router from '@koa/router';
import type Joi from 'joi';
import type { Context } from 'koa';
import type { ProviderEventType } from '../domain/transfer-state.js';
import { invalid, unauthenticated } from '../errors.js';
import { readJson } from '../http/body.js';
import { verifySignature } from './callback-signature.js';
import { callbacksRefused } from './metrics.js';
import {
  receiveProviderEvent,
  type ProviderEvent,
  type ProviderEventsDeps,
} from './provider-events.js';
import { paymentEventSchema } from './transfer-schema.js';

export interface CallbackRoutesDeps extends ProviderEventsDeps {
  readonly paymentProviderSecret: string;
  readonly now: () => Date;
}

interface CallbackBody {
  id: string;
  type: `payment.${ProviderEventType}`;
  sequence: number;
  payment: { reference: string; amount: bigint };
  reason: string | null;
}

/** Where the payment provider tells us; its signature is its credential. */
export function callbacksRouter(deps: CallbackRoutesDeps): Router {
  const router = new Router();
  router.post('/v2/payment_provider/callbacks', async (ctx) => {
    await receiveProviderEvent(deps, await readEvent(ctx, deps), deps.now());
    ctx.body = { received: true };
  });
  return router;
}

/**
 * Believes nothing that is not signed, and reads nothing of it.
 * @throws DomainError 401 for a signature that is missing, wrong or old; 422 for what we do not know
 */
async function readEvent(
  ctx: Context,
  { paymentProviderSecret: secret, now }: CallbackRoutesDeps,
): Promise<ProviderEvent> {
  const json = await readJson(ctx);
  const { headers } = ctx.req;
  const checked = verifySignature(secret, { headers, body: bodyOf(ctx) }, now());
  if ('fault' in checked) {
    callbacksRefused.inc({ reason: checked.fault });
    throw unauthenticated('The signature is missing, wrong or older than 5 minutes');
  }
  const result = paymentEventSchema.validate(json) as Joi.ValidationResult<unknown>;
  const body = result.value as CallbackBody;
  if (result.error || body.id !== checked.id) {
    callbacksRefused.inc({ reason: 'not_understood' });
    throw invalid(`The event is not valid: ${result.error?.message ?? 'webhook-id is not its id'}`);
  }
  return {
    id: body.id,
    transferId: body.payment.reference,
    sequence: body.sequence,
    type: body.type.slice('payment.'.length) as ProviderEventType,
    amount: body.payment.amount,
    reason: body.reason,
  };
}

const bodyOf = (ctx: Context): Buffer => ctx.request.rawBody;
