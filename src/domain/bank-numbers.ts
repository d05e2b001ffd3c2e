/** The check digits of bank account numbers: they catch what was mistyped, and no more. */

const ABA_DIGITS = 9;
const ABA_WEIGHTS = [3, 7, 1];

/**
 * Whether nine digits are a routing number of the American Bankers Association: 3, 7, 1 times the
 * digits in turn is a multiple of 10.
 */
export function isRoutingNumber(text: string): boolean {
  if (!/^\d{9}$/.test(text) || text === '0'.repeat(ABA_DIGITS)) return false;
  const sum = Array.from(text).reduce(
    (total, digit, index) => total + Number(digit) * ABA_WEIGHTS[index % ABA_WEIGHTS.length]!,
    0,
  );
  return sum % 10 === 0;
}

/** Lengths by country (SWIFT's registry of IBANs), for those that we send money to. */
const IBAN_LENGTHS: Readonly<Record<string, number>> = {
  AT: 20,
  BE: 16,
  CH: 21,
  CZ: 24,
  DE: 22,
  DK: 18,
  EE: 20,
  ES: 24,
  FI: 18,
  FR: 27,
  GB: 22,
  GR: 27,
  HR: 21,
  HU: 28,
  IE: 22,
  IT: 27,
  LI: 21,
  LT: 20,
  LU: 20,
  LV: 21,
  MC: 27,
  MT: 31,
  NL: 18,
  NO: 15,
  PL: 28,
  PT: 25,
  RO: 24,
  SE: 24,
  SI: 19,
  SK: 24,
};

/** Without the spaces that people write, in capitals. */
export const normalizeIban = (text: string): string => text.replaceAll(/\s/g, '').toUpperCase();

/**
 * Whether a normalised text is an IBAN (ISO 13616) of a country that we know: of its length, and with
 * the first four characters put last and letters written as numbers it is 1 modulo 97.
 */
export function isIban(text: string): boolean {
  if (!/^[A-Z]{2}\d{2}[A-Z\d]+$/.test(text)) return false;
  if (text.length !== IBAN_LENGTHS[text.slice(0, 2)]) return false;
  const digits = Array.from(text.slice(4) + text.slice(0, 4), (character) =>
    String(parseInt(character, 36)),
  ).join('');
  return BigInt(digits) % 97n === 1n;
}
