import { forbidden } from '../errors.js';
import type { Principal, Role, Scope } from '../identity/principal.js';
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

/** @throws DomainError 403 when the credential does not have the scope */
export function requireScopeOf(principal: Principal, scope: Scope): void {
  if (!principal.scopes.includes(scope)) {
    throw forbidden(`This credential does not have the scope "${scope}"`);
  }
}

/** The caller's account. @throws DomainError 403 for staff, who have none */
export function requireAccountOf({ accountId }: Principal): string {
  if (accountId === null) throw forbidden('This credential has no trading account');
  return accountId;
}

/** Lets only credentials with this scope pass. @throws DomainError 403 */
export const requireScope =
  (scope: Scope): Middleware =>
  (ctx, next) => {
    requireScopeOf(ctx.state.principal, scope);
    return next();
  };

/** Lets only people pass who logged in: what a program's key must never do. @throws DomainError 403 */
export const requireSession: Middleware = (ctx, next) => {
  if (ctx.state.principal.credential !== 'session') {
    throw forbidden('This is for people: log in (POST /v2/sessions); an API key may not do it');
  }
  return next();
};

/** Puts the caller's account into `ctx.state.accountId`. @throws DomainError 403 for staff */
export const requireAccount: Middleware = (ctx, next) => {
  ctx.state.accountId = requireAccountOf(ctx.state.principal);
  return next();
};
