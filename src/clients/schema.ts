import Joi from 'joi';
import { calendarDate } from '../http/calendar-date.js';
import { COUNTRIES } from './countries.js';
import { emailAddress } from '../identity/email-address.js';
import type { Address } from './model.js';

/** What people send about themselves. */

/** A line of text that somebody typed; neither line breaks nor what cannot be seen. */
const line = (max: number) =>
  Joi.string()
    .trim()
    .min(1)
    .max(max)
    .pattern(/^[^\p{C}\p{Zl}\p{Zp}]*$/u, 'a line of text');

/** Letters of any script, and what stands between them. */
const name = line(100)
  .pattern(/^\p{L}[\p{L}\p{M} .'’-]*$/u, 'letters, spaces, hyphens, apostrophes and full stops')
  .description('In any script');

export const country = Joi.string()
  .uppercase()
  .valid(...COUNTRIES)
  .description('ISO 3166 alpha-2, such as US');

const address = Joi.object({
  street: line(200).required(),
  city: line(100).required(),
  region: line(100).allow(null).empty('').default(null).description('State or province'),
  postal_code: line(20).required(),
  country: country.required(),
});

const phone = Joi.string()
  .max(40)
  .description("With the country's code, such as +12025550123; without it, of the address");

/** Its rules come later; here is only what may be read at all. */
export const password = Joi.string()
  .max(1_000)
  .description('8 to 128 characters; not a common one, nor your name or e-mail address');

export const code = Joi.string()
  .replace(/[\s-]/g, '')
  .pattern(/^\d{6}$/, 'six digits')
  .description('From the mail');

export const token = Joi.string()
  .pattern(/^[\w-]{43}$/, 'the token of a link')
  .description("Of the mail's link");

export interface SignUpBody {
  email: string;
  phone: string;
  password: string;
  first_name: string;
  last_name: string;
  /** Midnight UTC. */
  date_of_birth: Date;
  address: Address;
}

export const signUpSchema = Joi.object({
  email: emailAddress.required(),
  phone: phone.required(),
  password: password.required(),
  first_name: name.required(),
  last_name: name.required(),
  date_of_birth: calendarDate.required().description('Such as 2001-02-28; 18 years ago at least'),
  address: address.required(),
}).label('SignUp');

export const emailSchema = Joi.object({ email: emailAddress.required() }).label('EmailAddress');

/** Either address and code, or the token of the link. */
export const proofOf = (more: Joi.SchemaMap = {}) =>
  Joi.object({ email: emailAddress, code, token, ...more })
    .xor('code', 'token')
    .with('code', 'email')
    .without('token', 'email');

export const verifySchema = proofOf().label('Proof');

export interface ChangeDetailsBody {
  phone?: string;
  address?: Address;
}

export const changeDetailsSchema = Joi.object({ phone, address })
  .or('phone', 'address')
  .label('ChangeDetails');
