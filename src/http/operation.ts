import Joi from 'joi';
import type { Role, Scope } from '../identity/principal.js';

/**
 * What `/openapi.json` says about one route. Each feature exports its operations beside its routes;
 * a test compares the two.
 */
export interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** The router's path, such as `/v2/orders/:id`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /**
   * Who may call it: anybody; staff; a person who logged in, of any role, but no program's key; or a
   * credential with this scope.
   */
  readonly access: 'public' | 'staff' | 'person' | Scope;
  /** The only roles that may call it; always named for staff. */
  readonly roles?: readonly Role[];
  /** True where it is about the caller's trading account: staff, who have none, are refused. */
  readonly account?: boolean;
  /** Roles that see every client's there, with a session or a key that has the scope `admin`. */
  readonly seesAll?: readonly Role[];
  /** True where a person must have given a second factor within the last minutes. */
  readonly stepUp?: boolean;
  /** True where the answer may come from the cache: it has an ETag, and 304 is an answer, too. */
  readonly cached?: boolean;
  readonly params?: Joi.ObjectSchema;
  readonly query?: Joi.ObjectSchema;
  readonly headers?: Joi.ObjectSchema;
  readonly body?: Joi.ObjectSchema;
  readonly responses: Readonly<Record<number, OperationResponse>>;
  /** The refusals beyond those that every route of its kind has (401, 403, 422, 429, 500, 503). */
  readonly problems?: readonly number[];
}

export interface OperationResponse {
  readonly description: string;
  readonly schema?: Joi.Schema;
  /** `application/json` unless said otherwise. */
  readonly type?: string;
  /** What the caller gets with another `Accept`, by content type. */
  readonly alternatives?: Readonly<Record<string, Joi.Schema>>;
}

/**
 * The schema of an answer: every member is always there.
 * @param name what the document calls it under `components/schemas`
 */
export const answerSchema = (name: string, members: Joi.SchemaMap): Joi.ObjectSchema =>
  Joi.object(members)
    .fork(Object.keys(members), (member) => member.required())
    .meta({ name });

/** A decimal as text, such as `"150.25"`. */
export const decimalText = Joi.string().pattern(/^-?\d+(\.\d+)?$/);
/** RFC 3339 in UTC. */
export const timeText = Joi.string().isoDate();
export const uuidText = Joi.string().uuid();
