import type { Context } from 'koa';
import { DomainError, unauthenticated } from '../errors.js';
import type { ApiKeys } from '../identity/api-keys.js';
import type { Sessions } from '../identity/sessions.js';
import type { Middleware } from './context.js';
import type { RateLimit } from './rate-limit.js';

export interface AuthenticateDeps {
  readonly apiKeys: ApiKeys;
  readonly sessions: Sessions;
  readonly rateLimit: RateLimit;
}

const isWrongCredential = (error: unknown): boolean =>
  error instanceof DomainError && error.kind === 'unauthenticated';

/**
 * Finds out who is calling: `APCA-API-KEY-ID` + `APCA-API-SECRET-KEY`, or `Authorization: Bearer`.
 * Puts the principal into `ctx.state.principal`; a wrong credential counts against the address.
 * @throws DomainError 401 without a valid credential, 403 for a suspended client's
 */
export function authenticate({ apiKeys, sessions, rateLimit }: AuthenticateDeps): Middleware {
  const verifyBearer = sessions.bearer;

  const refuse = async (ctx: Context, error: unknown): Promise<never> => {
    if (isWrongCredential(error)) await rateLimit.countRefused(ctx);
    throw error;
  };

  return async (ctx, next) => {
    const { headers } = ctx.req;
    const keyId = headers['apca-api-key-id'];
    ctx.res.setHeader('Cache-Control', 'no-store'); // what follows is one caller's own
    try {
      if (typeof keyId === 'string') {
        const secret = headers['apca-api-secret-key'];
        const found = apiKeys.verify(keyId, typeof secret === 'string' ? secret : '');
        ctx.state.principal = found instanceof Promise ? await found : found;
        apiKeys.noteUse(keyId, ctx.ip);
      } else if (headers.authorization !== undefined) {
        ctx.state.principal = await verifyBearer(ctx);
      } else {
        throw unauthenticated(
          'Send APCA-API-KEY-ID and APCA-API-SECRET-KEY, or Authorization: Bearer <access token>',
        );
      }
    } catch (error) {
      return refuse(ctx, error);
    }
    return next();
  };
}
