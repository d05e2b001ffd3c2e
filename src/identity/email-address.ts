import { domainToASCII } from 'node:url';
import Joi from 'joi';

const LENGTH_MAX = 254; // RFC 5321: of a path, less its brackets
const ASCII = /^[\x21-\x7e]+$/;

/**
 * The one form in which an address is kept and looked up: lower case, its domain in ASCII (punycode).
 * Dots and what stands behind a plus are left: only the address's own server knows what they mean.
 */
export function normalizeEmail(text: string): string {
  const trimmed = text.trim();
  const at = trimmed.lastIndexOf('@');
  if (at < 1) return trimmed.toLowerCase();
  const domain = domainToASCII(trimmed.slice(at + 1).normalize('NFC'));
  return `${trimmed.slice(0, at)}@${domain}`.toLowerCase();
}

const wellFormed = Joi.string().email({ tlds: false, allowUnicode: false }).max(LENGTH_MAX);

/** An e-mail address in a request; becomes its normal form. */
export const emailAddress = Joi.string()
  .max(LENGTH_MAX)
  .custom((text: string, { message }) => {
    const address = normalizeEmail(text);
    if (ASCII.test(address) && !wellFormed.validate(address).error) return address;
    return message({ custom: '{#label} must be an e-mail address such as ada@example.com' });
  })
  .description('Upper and lower case are the same; a domain may be in any script');
