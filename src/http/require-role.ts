import { forbidden } from '../errors.js';
import type { Role, Scope } from '../identity/principal.js';
import type { Middleware } from './context.js';

/** Lets only these roles pass. @throws DomainError 403 */
export const requireRole =
  (...roles: readonly Role[]): Middleware =>
  (ctx, next) => {
    if (!roles.includes(ctx.state.principal.role)) {
      throw forbidden(`This needs the role ${roles.join(' or ')}`);
    }
    return next();
  };

/** Lets only credentials with this scope pass. @throws DomainError 403 */
export const requireScope =
  (scope: Scope): Middleware =>
  (ctx, next) => {
    if (!ctx.state.principal.scopes.includes(scope)) {
      throw forbidden(`This credential does not have the scope "${scope}"`);
    }
    return next();
  };

/** Puts the caller's account into `ctx.state.accountId`. @throws DomainError 403 for staff */
export const requireAccount: Middleware = (ctx, next) => {
  const { accountId } = ctx.state.principal;
  if (accountId === null) throw forbidden('This credential has no trading account');
  ctx.state.accountId = accountId;
  return next();
};
