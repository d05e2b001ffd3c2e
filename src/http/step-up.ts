import type { Knex } from 'knex';
import { forbidden } from '../errors.js';
import type { Middleware } from './context.js';
import { requireSession } from './require-role.js';

/** How long a second factor vouches for what follows it. */
export const STEP_UP_MS = 5 * 60_000;

/**
 * Lets only a person pass who gave a second factor within the last five minutes: for withdrawals, API
 * keys, the password and the second factors themselves (UC-02). An API key never passes.
 * @throws DomainError 403 with `step_up_required: true`; `POST /v2/sessions/step_up` is the way
 */
export const requireStepUp =
  (knex: Knex): Middleware =>
  async (ctx, next) => {
    await requireSession(ctx, nothing);
    const { credentialId } = ctx.state.principal;
    const session = await knex('sessions')
      .where({ id: credentialId })
      .whereNull('ended_at')
      .where('stepped_up_at', '>', new Date(Date.now() - STEP_UP_MS))
      .first<{ id: string } | undefined>('id');
    if (!session) {
      throw forbidden(
        'This needs a second factor within the last 5 minutes: POST /v2/sessions/step_up',
        { step_up_required: true },
      );
    }
    return next();
  };

const nothing = (): Promise<void> => Promise.resolve();
