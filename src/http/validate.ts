import type Joi from 'joi';
import { invalid } from '../errors.js';
import { inspectText, readJson } from './body.js';
import type { Middleware } from './context.js';

const ERRORS_MAX = 20;

/** Every mistake at once, and no field that we do not know. */
const PREFERENCES: Joi.ValidationOptions = {
  abortEarly: false,
  allowUnknown: false,
  errors: { wrap: { label: false, array: false } },
};

/**
 * Reads and checks the JSON body.
 * Puts the result, with defaults and conversions, into `ctx.request.validBody`.
 * @throws DomainError 400 or 413 when it is not a JSON object of at most 100 kB; 422 with
 *   `errors: [{field, message}]`
 */
export function validateBody(schema: Joi.ObjectSchema): Middleware {
  const strict = schema.prefs(PREFERENCES);
  return async (ctx, next) => {
    ctx.request.validBody = check(strict, await readJson(ctx), 'The body');
    return next();
  };
}

/** Checks the query string; the result is in `ctx.state.query`. @throws DomainError 422 */
export function validateQuery(schema: Joi.ObjectSchema): Middleware {
  const strict = schema.prefs(PREFERENCES);
  return (ctx, next) => {
    for (const value of Object.values(ctx.query)) inspectText(String(value));
    ctx.state.query = check(strict, ctx.query, 'The query');
    return next();
  };
}

/** Checks the path's parameters; the result is in `ctx.state.params`. @throws DomainError 422 */
export function validateParams(schema: Joi.ObjectSchema): Middleware {
  const strict = schema.prefs(PREFERENCES);
  return (ctx, next) => {
    ctx.state.params = check(strict, ctx['params'], 'The path');
    return next();
  };
}

function check(schema: Joi.ObjectSchema, input: unknown, what: string): unknown {
  const { value, error } = schema.validate(input) as Joi.ValidationResult<unknown>;
  if (!error) return value;
  const errors = error.details
    .slice(0, ERRORS_MAX)
    .map(({ path, message }) => ({ field: path.join('.'), message }));
  const more = error.details.length - 1;
  const others = more > 0 ? ` (and ${more} more)` : '';
  throw invalid(`${what} is not valid: ${errors[0]!.message}${others}`, { errors });
}
