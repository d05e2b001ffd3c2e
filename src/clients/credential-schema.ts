import Joi from 'joi';
import { code, password, proofOf, token } from './schema.js';

/** What people send to change what they log in with. */

export const resetSchema = proofOf({ password: password.required() }).label('ResetPassword');

export const changePasswordSchema = Joi.object({
  current_password: Joi.string().max(1_000).required(),
  password: password.required(),
}).label('ChangePassword');

export const codeSchema = Joi.object({ code: code.required() }).label('Code');

export const tokenSchema = Joi.object({ token: token.required() }).label('Token');
