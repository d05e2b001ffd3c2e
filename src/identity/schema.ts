import Joi from 'joi';
import { answerSchema, type Operation } from '../http/operation.js';

export interface LoginBody {
  email: string;
  password: string;
}

export const loginSchema = Joi.object({
  email: Joi.string().max(254).required(),
  password: Joi.string().max(1_000).required(),
  otp: Joi.string().max(32).allow(null, '').description('Of clients with a second factor'),
});

const sessionSchema = answerSchema('Session', {
  access_token: Joi.string(),
  token_type: Joi.string().valid('Bearer'),
  expires_in: Joi.number().integer().description('Seconds'),
  refresh_token: Joi.string().allow(null),
});

export const sessionOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v2/sessions',
    tag: 'Sessions',
    access: 'public',
    summary: 'Log in',
    description:
      'Send the access token as `Authorization: Bearer <access_token>`. ' +
      'After 10 failures an account is refused from that address for up to 15 minutes. ' +
      'An `Idempotency-Key` has no effect here: the answer is a secret and is not stored, and ' +
      'logging in twice gives two sessions.',
    body: loginSchema,
    responses: { 200: { description: 'The session', schema: sessionSchema } },
    problems: [401, 403],
  },
];
