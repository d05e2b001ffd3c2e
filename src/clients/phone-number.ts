import { parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js/max';

/**
 * A phone number in E.164, such as `+12025550123`.
 * @param country ISO 3166: where a number without its country's code is from
 * @returns null when no such number can exist
 */
export function normalizePhone(text: string, country: string): string | null {
  const parsed = parsePhoneNumberFromString(text, {
    defaultCountry: country as CountryCode,
    extract: false,
  });
  return parsed?.isValid() && !parsed.ext ? parsed.number : null;
}
