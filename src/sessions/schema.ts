import Joi from 'joi';
import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import { orAbsent } from '../http/absent.js';

/** What is sent to log in, to refresh, and to prove a second factor. */

const secret = (max: number) => Joi.string().max(max);

const otp = secret(32).description('Of the app (six digits), of the mail, or a recovery code');

const base64url = Joi.string()
  .pattern(/^[A-Za-z0-9_-]+$/)
  .max(20_000);

/** `AuthenticationResponseJSON` of the WebAuthn standard, as browsers send it. */
const webauthn = Joi.object({
  id: base64url.required(),
  rawId: base64url.required(),
  type: Joi.string().valid('public-key').required(),
  response: Joi.object({
    clientDataJSON: base64url.required(),
    authenticatorData: base64url.required(),
    signature: base64url.required(),
    userHandle: base64url.allow('', null),
  }).required(),
  authenticatorAttachment: Joi.string().max(50).allow(null),
  clientExtensionResults: Joi.object().unknown().default({}),
}).label('PasskeyAnswer');

const trustDevice = Joi.boolean()
  .default(false)
  .description('For 30 days this device needs no second factor to log in: keep `device_token`');

export interface LoginBody {
  email: string;
  password: string;
  otp?: string;
  device_token?: string;
  trust_device: boolean;
}

export const loginSchema = Joi.object({
  email: Joi.string().max(254).required(),
  password: secret(1_000).required(),
  otp: orAbsent(otp),
  device_token: orAbsent(secret(100)).description('Of a device that is trusted'),
  trust_device: trustDevice,
}).label('Login');

const method = Joi.string().valid('email', 'webauthn').required();
const mfaToken = secret(100).required().description('Of the answer to the password');

export type ChallengeMethod = 'email' | 'webauthn';

export const stepUpChallengeSchema = Joi.object({ method }).label('StepUpChallenge');

export const loginChallengeSchema = Joi.object({ mfa_token: mfaToken, method }).label(
  'LoginChallenge',
);

export interface FactorBody {
  otp?: string;
  webauthn?: AuthenticationResponseJSON;
}

const answer = { otp: orAbsent(otp), webauthn };

export const stepUpSchema = Joi.object(answer).xor('otp', 'webauthn').label('StepUp');

export interface SecondStepBody extends FactorBody {
  mfa_token: string;
  trust_device: boolean;
}

export const secondStepSchema = Joi.object({
  mfa_token: mfaToken,
  ...answer,
  trust_device: trustDevice,
})
  .xor('otp', 'webauthn')
  .label('SecondStep');

export const refreshSchema = Joi.object({ refresh_token: secret(200).required() }).label('Refresh');

export const sessionIdSchema = Joi.object({
  id: Joi.alternatives(Joi.string().guid(), Joi.string().valid('current'))
    .required()
    .description('Of a session, or `current` for the one that asks'),
});

export const deviceIdSchema = Joi.object({ id: Joi.string().guid().required() });
