import Joi from 'joi';
import { answerSchema, timeText, uuidText, type Operation } from '../http/operation.js';
import {
  deviceIdSchema,
  loginChallengeSchema,
  loginSchema,
  refreshSchema,
  secondStepSchema,
  sessionIdSchema,
  stepUpChallengeSchema,
  stepUpSchema,
} from './schema.js';

const tokensSchema = answerSchema('SessionTokens', {
  access_token: Joi.string(),
  token_type: Joi.string().valid('Bearer'),
  expires_in: Joi.number().integer().description('Seconds'),
  refresh_token: Joi.string().description('For one use of POST /v2/sessions/refresh'),
  session_id: uuidText,
  device_token: Joi.string().allow(null).description('Of a device that is trusted from now on'),
});

const sessionSchema = answerSchema('Session', {
  id: uuidText,
  current: Joi.boolean(),
  ip: Joi.string(),
  user_agent: Joi.string().allow(''),
  device_id: uuidText.allow(null),
  methods: Joi.array().items(Joi.string()).description('RFC 8176: pwd, otp, hwk, mfa'),
  created_at: timeText,
  last_used_at: timeText,
  expires_at: timeText,
  stepped_up_at: timeText.allow(null),
});

const deviceSchema = answerSchema('Device', {
  id: uuidText,
  user_agent: Joi.string().allow(''),
  ip: Joi.string(),
  first_seen_at: timeText,
  last_seen_at: timeText,
  trusted_until: timeText.allow(null),
});

const challengeSchema = answerSchema('FactorChallenge', {
  method: Joi.string().valid('email', 'webauthn'),
  options: Joi.object()
    .unknown()
    .allow(null)
    .description('For `navigator.credentials.get`; null when a code was sent by mail'),
});

const steppedUpSchema = answerSchema('SteppedUp', {
  session_id: uuidText,
  stepped_up_until: timeText,
});

const listOf = (name: string, member: string, item: Joi.Schema) =>
  answerSchema(name, { [member]: Joi.array().items(item) });

const tag = 'Sessions';
const open = { tag, method: 'post', access: 'public' } as const;
const person = { tag, access: 'person' } as const;
const TOKENS = { 200: { description: 'The session', schema: tokensSchema } };
const GONE = { 204: { description: 'Done' } };
const NO_KEY =
  'An `Idempotency-Key` has no effect here: the answer is a secret and is not stored. ';

export const sessionOperations: readonly Operation[] = [
  {
    ...open,
    path: '/v2/sessions',
    summary: 'Log in',
    description:
      'Send the access token as `Authorization: Bearer <access_token>`. With a second factor: 401 ' +
      'with `mfa_required`, `mfa_token` and `methods`; send the code as `otp` at once, or answer ' +
      'with POST /v2/sessions/mfa. After 10 failures an account is refused from that address, after ' +
      `3 wrong second factors everywhere, for up to 15 minutes. ${NO_KEY}`,
    body: loginSchema,
    responses: TOKENS,
    problems: [401, 403],
  },
  {
    ...open,
    path: '/v2/sessions/mfa/challenge',
    summary: 'Ask for a code by mail, or for what a passkey has to sign, to finish a login',
    body: loginChallengeSchema,
    responses: { 200: { description: 'What to answer', schema: challengeSchema } },
    problems: [401],
  },
  {
    ...open,
    path: '/v2/sessions/mfa',
    summary: 'Finish a login with a second factor',
    description: `Within ten minutes of the password. ${NO_KEY}`,
    body: secondStepSchema,
    responses: TOKENS,
    problems: [401, 403],
  },
  {
    ...open,
    path: '/v2/sessions/refresh',
    summary: 'Exchange a refresh token for new tokens',
    description:
      'Once: whoever sends a token that was used before ends the session for everybody who has a ' +
      `token of it. Of several at once one succeeds. ${NO_KEY}`,
    body: refreshSchema,
    responses: TOKENS,
    problems: [401, 403],
  },
  {
    ...person,
    method: 'get',
    path: '/v2/sessions',
    summary: 'The sessions that have not ended',
    responses: {
      200: {
        description: 'The latest first, at most 200',
        schema: listOf('Sessions', 'sessions', sessionSchema),
      },
    },
  },
  {
    ...person,
    method: 'delete',
    path: '/v2/sessions',
    summary: 'End all sessions but this one',
    responses: GONE,
  },
  {
    ...person,
    method: 'delete',
    path: '/v2/sessions/:id',
    summary: 'Log out, or end another session',
    description: 'Its tokens are refused within a second, everywhere.',
    params: sessionIdSchema,
    responses: GONE,
    problems: [404],
  },
  {
    ...person,
    method: 'post',
    path: '/v2/sessions/step_up/challenge',
    summary: 'Ask for a code by mail, or for what a passkey has to sign, to step up',
    body: stepUpChallengeSchema,
    responses: { 200: { description: 'What to answer', schema: challengeSchema } },
  },
  {
    ...person,
    method: 'post',
    path: '/v2/sessions/step_up',
    summary: 'Give a second factor, for what needs one lately',
    description:
      'Withdrawals, API keys, the password and the second factors themselves need one within the ' +
      'last five minutes. Who has set up none gets codes by mail.',
    body: stepUpSchema,
    responses: { 200: { description: 'Stepped up', schema: steppedUpSchema } },
  },
  {
    ...person,
    method: 'get',
    path: '/v2/devices',
    summary: 'Where somebody has logged in from, and which of it is trusted',
    responses: {
      200: {
        description: 'The latest first, at most 200',
        schema: listOf('Devices', 'devices', deviceSchema),
      },
    },
  },
  {
    ...person,
    method: 'delete',
    path: '/v2/devices/:id',
    summary: 'Trust a device no longer',
    params: deviceIdSchema,
    responses: GONE,
    problems: [404],
  },
];
