import Joi from 'joi';
import { answerSchema, timeText, uuidText, type Operation } from '../http/operation.js';
import { SCOPES, type Scope } from '../identity/principal.js';

const label = Joi.string().trim().min(1).max(100).description('What it is for');

export interface NewKeyBody {
  label: string;
  scopes: Scope[];
  expires_at: Date | null;
}

export const newKeySchema = Joi.object({
  label: label.required(),
  scopes: Joi.array()
    .items(Joi.string().valid(...SCOPES))
    .min(1)
    .unique()
    .default(['read', 'trade'])
    .description('admin: for staff only'),
  expires_at: Joi.date()
    .iso()
    .greater('now')
    .allow(null)
    .default(null)
    .description('null: until it is revoked'),
}).label('NewApiKey');

export const changeKeySchema = Joi.object({ label: label.required() }).label('ApiKeyChange');

export const keyIdSchema = Joi.object({
  key_id: Joi.string()
    .pattern(/^[A-Z0-9]{20}$/)
    .required(),
});

const key = {
  key_id: Joi.string(),
  account_id: uuidText.allow(null),
  label: Joi.string().allow(''),
  scopes: Joi.array().items(Joi.string().valid(...SCOPES)),
  created_at: timeText,
  expires_at: timeText.allow(null),
  last_used_at: timeText.allow(null).description('To about ten seconds'),
  last_used_ip: Joi.string().allow(null),
  revoked_at: timeText.allow(null),
};
const keySchema = answerSchema('ApiKey', key);

const tag = 'API keys';
const person = { tag, access: 'person' } as const;
const KEY = { 200: { description: 'The key, without its secret', schema: keySchema } };

export const apiKeyOperations: readonly Operation[] = [
  {
    ...person,
    stepUp: true,
    method: 'post',
    path: '/v2/api_keys',
    summary: 'Make an API key',
    description:
      'Its secret is shown this once; we keep a hash. At most 20 that are not revoked. Needs a ' +
      'step-up within the last five minutes (403 with `step_up_required`). An `Idempotency-Key` has ' +
      'no effect: the answer is a secret and is not stored.',
    body: newKeySchema,
    responses: {
      201: {
        description: 'The key and its secret',
        schema: answerSchema('NewApiKeyAnswer', { ...key, secret_key: Joi.string() }),
      },
    },
  },
  {
    ...person,
    method: 'get',
    path: '/v2/api_keys',
    summary: 'Your API keys, also those that were revoked',
    responses: {
      200: {
        description: 'The latest first, at most 200',
        schema: answerSchema('ApiKeys', { api_keys: Joi.array().items(keySchema) }),
      },
    },
  },
  {
    ...person,
    method: 'get',
    path: '/v2/api_keys/:key_id',
    summary: 'One API key',
    params: keyIdSchema,
    responses: KEY,
    problems: [404],
  },
  {
    ...person,
    method: 'patch',
    path: '/v2/api_keys/:key_id',
    summary: 'Change the label of an API key',
    params: keyIdSchema,
    body: changeKeySchema,
    responses: KEY,
    problems: [404],
  },
  {
    ...person,
    method: 'delete',
    path: '/v2/api_keys/:key_id',
    summary: 'Revoke an API key',
    description: 'It is refused within a second, everywhere. Needs no step-up: it may be urgent.',
    params: keyIdSchema,
    responses: { 204: { description: 'Done' } },
    problems: [404],
  },
];
