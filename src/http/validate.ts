import type Joi from 'joi';
import { type DomainError, invalid } from '../errors.js';
import { inspectName, inspectText, readForm, readJson } from './body.js';
import type { Middleware } from './context.js';

const ERRORS_MAX = 20;

/** How a refusal is worded: every mistake at once. Unknown fields are refused by joi's defaults. */
const EXPLAIN: Joi.ValidationOptions = {
  abortEarly: false,
  errors: { wrap: { label: false, array: false } },
  messages: {
    'object.missing': 'at least one of {#peers} must be sent, neither null nor empty',
    'object.oxor': 'only one of {#peers} may be sent',
  },
};

/**
 * Reads and checks the JSON body.
 * Puts the result, with defaults and conversions, into `ctx.request.validBody`.
 * @throws DomainError 400 or 413 when it is not a JSON object of at most 100 kB; 422 with
 *   `errors: [{field, message}]`
 */
export function validateBody(schema: Joi.ObjectSchema): Middleware {
  return async (ctx, next) => {
    ctx.request.validBody = check(schema, await readJson(ctx), 'The body');
    return next();
  };
}

/** The same of an HTML form, for the few pages that have one. @throws as validateBody */
export function validateForm(schema: Joi.ObjectSchema): Middleware {
  return async (ctx, next) => {
    ctx.request.validBody = check(schema, await readForm(ctx), 'The form');
    return next();
  };
}

/** Checks the query string; the result is in `ctx.state.query`. @throws DomainError 422 */
export function validateQuery(schema: Joi.ObjectSchema): Middleware {
  return (ctx, next) => {
    inspectAll(ctx.query);
    ctx.state.query = check(schema, ctx.query, 'The query');
    return next();
  };
}

/**
 * Checks what may stand in the query, in a JSON body, or in both when both say the same; the result is
 * in `ctx.state.query`. For a DELETE, whose body some clients use and others cannot send.
 * @throws DomainError as validateBody
 */
export function validateQueryOrBody(schema: Joi.ObjectSchema): Middleware {
  return async (ctx, next) => {
    inspectAll(ctx.query);
    const body = await readJson(ctx);
    const inQuery = check(schema, ctx.query, 'The query') as Record<string, unknown>;
    const inBody = check(schema, body, 'The body') as Record<string, unknown>;
    const other = Object.keys(body).find(
      (name) => name in ctx.query && inQuery[name] !== inBody[name],
    );
    if (other !== undefined) {
      throw invalid(`${other} is not the same in the query and in the body`, {
        errors: [{ field: other, message: 'must be the same in the query and in the body' }],
      });
    }
    ctx.state.query = check(schema, { ...ctx.query, ...body }, 'The request');
    return next();
  };
}

/** Checks the path's parameters; the result is in `ctx.state.params`. @throws DomainError 422 */
export function validateParams(schema: Joi.ObjectSchema): Middleware {
  return (ctx, next) => {
    const params = ctx['params'] as Record<string, string>;
    inspectAll(params);
    ctx.state.params = check(schema, params, 'The path');
    return next();
  };
}

function inspectAll(values: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(values)) {
    inspectName(name);
    inspectText(String(values[name]));
  }
}

/** Options cost joi as much as the validation itself, so only what is refused is asked again. */
function check(schema: Joi.ObjectSchema, input: unknown, what: string): unknown {
  const result = schema.validate(input) as Joi.ValidationResult<unknown>;
  if (result.error) throw refusal(schema, input, what);
  return result.value;
}

function refusal(schema: Joi.ObjectSchema, input: unknown, what: string): DomainError {
  const details = schema.validate(input, EXPLAIN).error?.details ?? [];
  const errors = details
    .slice(0, ERRORS_MAX)
    .map(({ path, message }) => ({ field: path.join('.'), message }));
  const others = details.length > 1 ? ` (and ${details.length - 1} more)` : '';
  return invalid(`${what} is not valid: ${errors[0]?.message ?? ''}${others}`, { errors });
}
