import type { Answer } from './api.js';
import type { Caller } from './callers.js';
import { CONTENT, RESOURCES, type Resource } from './resources.js';

/** An operation of the OpenAPI document, as far as it says who may call it. */
export interface DocumentedOperation {
  readonly security: readonly object[];
  readonly 'x-scope'?: string;
  readonly 'x-roles'?: readonly string[];
  readonly 'x-account'?: boolean;
  readonly 'x-sees-all'?: readonly string[];
  readonly 'x-step-up'?: boolean;
  readonly parameters: readonly { in: string; name: string; required: boolean }[];
}

export interface MatrixDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
}

export interface Row {
  /** Such as `GET /v2/orders/{id}`. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly operation: DocumentedOperation;
}

export const rowsOf = ({ paths }: MatrixDocument): Row[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([name, operation]) => {
      const method = name.toUpperCase();
      return { name: `${method} ${path}`, method, path, operation };
    }),
  );

/** The parameters that must be sent and for which the test has no value. */
export function unnamedParameters({ name, path, operation }: Row): string[] {
  const needed = operation.parameters.filter(
    (parameter) => parameter.in === 'path' || (parameter.in === 'query' && parameter.required),
  );
  if (RESOURCES[path]) return [];
  const sent = Object.keys(CONTENT[name]?.query ?? {});
  return needed.map((parameter) => parameter.name).filter((one) => !sent.includes(one));
}

/** What a caller gets by the document: let through, or refused. */
export type Verdict = 'through' | 401 | 403;

/** Computed from nothing but the document and what the caller is. */
export function verdictOn(operation: DocumentedOperation, caller: Caller): Verdict {
  if (operation.security.length === 0) return 'through';
  if (caller.credential === 'none') return 401;
  if (caller.isSuspended) return caller.credential === 'key' ? 403 : 401;
  const isAllowed =
    hasRightCredential(operation, caller) &&
    hasRole(operation, caller) &&
    (!operation['x-account'] || caller.hasAccount || seesAll(operation, caller)) &&
    (!operation['x-step-up'] || caller.steppedUp);
  return isAllowed ? 'through' : 403;
}

/** Whether the thing of any client is shown to the caller. */
export const seesAll = (
  { 'x-sees-all': roles = [] }: DocumentedOperation,
  { role, scopes }: Caller,
): boolean => role !== null && roles.includes(role) && scopes.includes('admin');

/** The scope of a key; a session has those of its role, and staff need none. */
function hasRightCredential(operation: DocumentedOperation, caller: Caller): boolean {
  const { security, 'x-scope': scope } = operation;
  if (caller.credential === 'key' && !security.some((way) => 'keyId' in way)) return false;
  if (scope === 'person') return true;
  if (scope === 'staff') return caller.credential === 'session' || caller.scopes.includes('admin');
  return caller.scopes.some((one) => one === scope);
}

function hasRole(
  { 'x-roles': roles, 'x-scope': scope }: DocumentedOperation,
  { role }: Caller,
): boolean {
  if (scope === 'staff' && role === 'client') return false;
  return roles === undefined || (role !== null && roles.includes(role));
}

export function urlOf({ name, path }: Row, { params = {}, query = {} }: Resource): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) =>
    encodeURIComponent(params[parameter] ?? `no-${parameter}`),
  );
  const all = new URLSearchParams({ ...CONTENT[name]?.query, ...query }).toString();
  return all === '' ? filled : `${filled}?${all}`;
}

/** An answer without what tells only of the request itself. */
export const comparable = ({ status, body }: Answer): object => ({
  status,
  ...(Object(body) as object),
  request_id: null,
  instance: null,
});
