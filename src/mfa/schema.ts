import Joi from 'joi';
import { answerSchema, timeText, uuidText, type Operation } from '../http/operation.js';

const base64url = Joi.string()
  .pattern(/^[A-Za-z0-9_-]+$/)
  .max(50_000);

export const totpCodeSchema = Joi.object({
  code: Joi.string()
    .pattern(/^\d{6}$/)
    .required()
    .description('What the app shows: six digits'),
}).label('TotpCode');

/** `RegistrationResponseJSON` of the WebAuthn standard, as browsers send it. */
export const newPasskeySchema = Joi.object({
  label: Joi.string().trim().max(100).default('passkey'),
  webauthn: Joi.object({
    id: base64url.required(),
    rawId: base64url.required(),
    type: Joi.string().valid('public-key').required(),
    response: Joi.object({
      clientDataJSON: base64url.required(),
      attestationObject: base64url.required(),
      authenticatorData: base64url,
      transports: Joi.array().items(Joi.string().max(50)).max(10),
      publicKeyAlgorithm: Joi.number().integer(),
      publicKey: base64url.allow(null),
    }).required(),
    authenticatorAttachment: Joi.string().max(50).allow(null),
    clientExtensionResults: Joi.object().unknown().default({}),
  }).required(),
}).label('NewPasskey');

export const factorIdSchema = Joi.object({ id: Joi.string().guid().required() });

const factor = answerSchema('SecondFactor', {
  id: uuidText,
  kind: Joi.string().valid('totp', 'email', 'webauthn'),
  label: Joi.string(),
  created_at: timeText,
  last_used_at: timeText.allow(null),
});

const overview = answerSchema('SecondFactors', {
  enabled: Joi.boolean().description('A login needs one'),
  methods: Joi.array()
    .items(Joi.string().valid('totp', 'email', 'webauthn', 'recovery_code'))
    .description('What can be given now, for a login or a step-up'),
  factors: Joi.array().items(factor),
  recovery_codes_left: Joi.number().integer(),
});

const codes = Joi.array()
  .items(Joi.string())
  .allow(null)
  .description('Ten, each for one use; shown once, with the first factor');

const added = answerSchema('AddedFactor', { factor, recovery_codes: codes });

const tag = 'Second factors';
const person = { tag, access: 'person' } as const;
const STEP_UP = 'Needs a step-up within the last five minutes (403 with `step_up_required`). ';
const ADDED = { 201: { description: 'It counts from now on', schema: added } };

export const mfaOperations: readonly Operation[] = [
  {
    ...person,
    method: 'get',
    path: '/v2/mfa',
    summary: 'The second factors that are set up',
    responses: { 200: { description: 'All of them', schema: overview } },
  },
  {
    ...person,
    stepUp: true,
    method: 'post',
    path: '/v2/mfa/totp',
    summary: 'Set up an authenticator app (RFC 6238)',
    description: `${STEP_UP}It counts once a code of it is given to POST /v2/mfa/totp/confirm.`,
    responses: {
      201: {
        description: 'For the app; shown once',
        schema: answerSchema('NewTotp', {
          id: uuidText,
          secret: Joi.string().description('Base32, to type in'),
          uri: Joi.string().description('otpauth://totp/...'),
          qr_code: Joi.string().description('The same as a picture: a data URL of a PNG'),
        }),
      },
    },
  },
  {
    ...person,
    method: 'post',
    path: '/v2/mfa/totp/confirm',
    summary: 'Give the first code of the app',
    description: 'It replaces an app that was set up before. Counts as a step-up.',
    body: totpCodeSchema,
    responses: ADDED,
    problems: [404],
  },
  {
    ...person,
    stepUp: true,
    method: 'post',
    path: '/v2/mfa/email',
    summary: 'Ask for a code by mail at every login',
    description: STEP_UP,
    responses: ADDED,
    problems: [422],
  },
  {
    ...person,
    stepUp: true,
    method: 'post',
    path: '/v2/mfa/passkeys/challenge',
    summary: 'What a browser needs to make a passkey (WebAuthn)',
    description: STEP_UP,
    responses: {
      200: {
        description: 'For `navigator.credentials.create`',
        schema: answerSchema('PasskeyChallenge', { options: Joi.object().unknown() }),
      },
    },
  },
  {
    ...person,
    stepUp: true,
    method: 'post',
    path: '/v2/mfa/passkeys',
    summary: 'Add the passkey that the browser has made',
    description: STEP_UP,
    body: newPasskeySchema,
    responses: ADDED,
  },
  {
    ...person,
    stepUp: true,
    method: 'post',
    path: '/v2/mfa/recovery_codes',
    summary: 'Make new recovery codes; earlier ones end',
    description: STEP_UP,
    responses: {
      201: {
        description: 'Shown once',
        schema: answerSchema('RecoveryCodes', { recovery_codes: Joi.array().items(Joi.string()) }),
      },
    },
  },
  {
    ...person,
    stepUp: true,
    method: 'delete',
    path: '/v2/mfa/factors/:id',
    summary: 'Take a second factor away',
    description: `${STEP_UP}With the last one the recovery codes go, too.`,
    params: factorIdSchema,
    responses: { 204: { description: 'Done' } },
    problems: [404],
  },
];
