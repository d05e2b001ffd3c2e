import { forbidden } from '../errors.js';
import type { Middleware } from '../http/context.js';
import type { Guards } from '../http/guards.js';
import { requireRole } from '../http/require-role.js';
import type { Role } from '../identity/principal.js';

/** A role is enough for a person who logged in; a program's key must have been made for it, too. */
const requireAdminKey: Middleware = (ctx, next) => {
  const { credential, scopes } = ctx.state.principal;
  if (credential === 'key' && !scopes.includes('admin')) {
    throw forbidden('This credential does not have the scope "admin"');
  }
  return next();
};

/** What stands before a route of the house. @throws DomainError 401, 429, or 403 for anybody else */
export const staffOnly = (
  { authenticated, limitRate }: Guards,
  ...roles: readonly Role[]
): Middleware[] => [authenticated, limitRate, requireRole(...roles), requireAdminKey];
