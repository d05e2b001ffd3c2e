import Joi from 'joi';
import { answerSchema, type Operation, type OperationResponse } from './operation.js';
import { PROBLEM_TYPE } from './problem.js';

type Json = Record<string, unknown>;

const problemSchema = answerSchema('Problem', {
  type: Joi.string().uri().description('The kind of problem'),
  title: Joi.string(),
  status: Joi.number().integer(),
  detail: Joi.string().description('What went wrong, and what is allowed'),
  instance: Joi.string().description('The path of the request'),
  code: Joi.number().integer().description('Such as 40310000: insufficient buying power'),
  message: Joi.string().description('The same as detail'),
  request_id: Joi.string().description('As in X-Request-ID; name it when you ask for help'),
}).unknown();

const PROBLEM_TITLES: Readonly<Record<number, string>> = {
  400: 'The body is not a JSON object',
  401: 'No valid credential',
  403: 'Understood, and refused',
  404: 'Missing, or not yours',
  409: 'In conflict with what is',
  413: 'The body is larger than 100 kB',
  422: 'A rule is broken; `errors` names the fields',
  429: 'Too many requests; see Retry-After',
  503: 'Postgres is away; see Retry-After',
};

/** Builds the OpenAPI 3.1 document from the operations' joi schemas. */
export function buildOpenApi(operations: readonly Operation[], version: string): Json {
  const components = new Components();
  const problem = components.refer(problemSchema);
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = (paths[documentPath(operation.path)] ??= {});
    path[operation.method] = describe(operation, components, problem);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'BrokerX+',
      version,
      description:
        'A retail brokerage in the wire format of the Alpaca Trading API. Money, prices and ' +
        'quantities are strings, numbers in market data; times are RFC 3339; what is unset is null.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: components.schemas,
      securitySchemes: {
        keyId: { type: 'apiKey', in: 'header', name: 'APCA-API-KEY-ID' },
        keySecret: { type: 'apiKey', in: 'header', name: 'APCA-API-SECRET-KEY' },
        session: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      },
    },
  };
}

/** `/v2/orders/:id` -> `/v2/orders/{id}`; an escaped colon is a plain one. */
const documentPath = (path: string): string =>
  path.replaceAll(/(?<!\\):(\w+)/g, '{$1}').replaceAll('\\:', ':');

function describe(operation: Operation, components: Components, problem: Json): Json {
  const isPublic = operation.access === 'public';
  const responses: Json = {};
  for (const [status, response] of Object.entries(operation.responses)) {
    responses[status] = success(response, components);
  }
  for (const status of problemStatuses(operation)) {
    const description = PROBLEM_TITLES[status] ?? 'Refused';
    responses[status] = { description, content: { [PROBLEM_TYPE]: { schema: problem } } };
  }
  return {
    tags: [operation.tag],
    operationId: operationId(operation),
    summary: operation.summary,
    ...(operation.description && { description: operation.description }),
    security: securityOf(operation),
    ...(!isPublic && { 'x-scope': operation.access }),
    ...(operation.roles && { 'x-roles': operation.roles }),
    ...(operation.account && { 'x-account': true }),
    ...(operation.seesAll && { 'x-sees-all': operation.seesAll }),
    ...(operation.stepUp && { 'x-step-up': true }),
    parameters: [
      ...parameters('path', operation.params),
      ...parameters('query', operation.query),
      ...parameters('header', operation.headers),
    ],
    ...(operation.body && {
      requestBody: {
        required: operation.method !== 'delete',
        content: { 'application/json': { schema: components.refer(operation.body) } },
      },
    }),
    responses,
  };
}

function securityOf({ access }: Operation): Json[] {
  if (access === 'public') return [];
  const session = { session: [] };
  return access === 'person' ? [session] : [{ keyId: [], keySecret: [] }, session];
}

function problemStatuses({ access, body, query, params, problems = [] }: Operation): number[] {
  const statuses = new Set(problems);
  if (access !== 'public') for (const status of [401, 403, 429, 503]) statuses.add(status);
  if (body) for (const status of [400, 413, 422, 429, 503]) statuses.add(status);
  if (query ?? params) statuses.add(422);
  return [...statuses].sort((a, b) => a - b);
}

const success = (
  { description, schema, type = 'application/json', alternatives = {} }: OperationResponse,
  components: Components,
): Json => {
  const types = Object.entries({ ...(schema && { [type]: schema }), ...alternatives });
  const content = types.map(([name, one]) => [name, { schema: components.refer(one) }]);
  return { description, ...(types.length > 0 && { content: Object.fromEntries(content) as Json }) };
};

const operationId = ({ method, path }: Operation): string =>
  method + path.replaceAll(/[^a-zA-Z0-9]+(\w)/g, (_, first: string) => first.toUpperCase());

function parameters(place: 'path' | 'query' | 'header', schema?: Joi.ObjectSchema): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = toJsonSchema(schema) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description !== undefined && { description }),
    schema: rest,
  }));
}

/** Schemas that have a name stand once under `components` and are referred to. */
class Components {
  readonly schemas: Record<string, Json> = {};

  /** The schema itself, or a reference to it when it has a name. */
  refer(schema: Joi.Schema): Json {
    const name = nameOf(schema);
    const json = this.inner(schema);
    if (!name) return json;
    this.schemas[name] ??= json;
    return { $ref: `#/components/schemas/${name}` };
  }

  private anyOf(schemas: Joi.Schema[]): Json {
    const [first, ...others] = schemas.map((schema) => this.refer(schema));
    return others.length === 0 ? first! : { anyOf: [first, ...others] };
  }

  /** Arrays and members refer to named schemas as well. */
  private inner(schema: Joi.Schema): Json {
    const json = toJsonSchema(schema);
    const { items, keys } = termsOf(schema);
    if (json['items'] && items) json['items'] = this.anyOf(items);
    const properties = json['properties'] as Record<string, Json> | undefined;
    for (const { key, schema: member } of keys ?? []) {
      if (properties && (nameOf(member) ?? termsOf(member).items)) {
        properties[key] = orNull(this.refer(member), member);
      }
      if (properties) properties[key] = orNothing(properties[key]!, member);
    }
    return json;
  }
}

const allowsNull = (schema: Joi.Schema): boolean => schema.validate(null).error === undefined;

const orNull = (reference: Json, schema: Joi.Schema): Json =>
  '$ref' in reference && allowsNull(schema) ? { anyOf: [reference, { type: 'null' }] } : reference;

/** joi does not tell of the values that count as absent. */
function orNothing(json: Json, schema: Joi.Schema): Json {
  const { flags } = schema.describe() as { flags?: { empty?: { allow?: unknown[] } } };
  const nothing = flags?.empty?.allow;
  if (!nothing) return json;
  const { description, ...rest } = json;
  return {
    ...(description !== undefined && { description }),
    anyOf: [rest, { enum: nothing, description: 'as if it were not sent' }],
  };
}

interface Terms {
  items?: Joi.Schema[];
  keys?: { key: string; schema: Joi.Schema }[];
}

const termsOf = (schema: Joi.Schema): Terms => (schema as unknown as { $_terms: Terms }).$_terms;

/** A schema's name is in its meta data, or the label of an object. */
function nameOf(schema: Joi.Schema): string | undefined {
  const {
    type,
    metas = [],
    flags,
  } = schema.describe() as {
    type: string;
    metas?: { name?: string }[];
    flags?: { label?: string };
  };
  const named = metas.find(({ name }) => name !== undefined)?.name;
  return named ?? (type === 'object' ? flags?.label : undefined);
}

function toJsonSchema(schema: Joi.Schema): Json {
  const json = schema['~standard'].jsonSchema.input({ target: 'draft-2020-12' });
  return allowNullInEnums(json) as Json;
}

/** joi leaves null out of `enum` although it allows it, which would forbid it. */
function allowNullInEnums(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(allowNullInEnums);
  if (typeof json !== 'object' || json === null) return json;
  const copy = Object.fromEntries(
    Object.entries(json).map(([key, value]) => [key, allowNullInEnums(value)]),
  );
  const { type, enum: values } = copy;
  if (Array.isArray(values) && Array.isArray(type) && type.includes('null')) {
    copy['enum'] = [...new Set([...(values as unknown[]), null])];
  }
  return copy;
}
