import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';

/** `1234567` -> `1,234,567`. */
export const grouped = (whole: string): string => whole.replace(/\B(?=(\d{3})+$)/g, ',');

/** An amount in 10^-4 USD for people: `-1,234.50`, or with four digits where cents are not enough. */
export function dollars(units: bigint): string {
  const [whole = '', fraction = ''] = formatDecimal(units, PRICE_SCALE).split('.');
  return `${grouped(whole)}.${fraction.padEnd(fraction.length > 2 ? PRICE_SCALE : 2, '0')}`;
}

/** A quantity in 10^-9 units for people: `1,002.5`. */
export function quantity(units: bigint): string {
  const [whole = '', fraction] = formatDecimal(units, QTY_SCALE).split('.');
  return grouped(whole) + (fraction ? `.${fraction}` : '');
}

/** `11-25 14:30:05`. */
export const shortTime = (time: Date): string => time.toISOString().slice(5, 19).replace('T', ' ');

/** `2026-11-25 14:30:05 UTC`. */
export const fullTime = (time: Date): string =>
  `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;

const BEYOND_LATIN1 = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ';
const LETTERS: Readonly<Record<string, string>> = {
  Ł: 'L',
  ł: 'l',
  Đ: 'D',
  đ: 'd',
  ı: 'i',
  ŀ: 'l',
  ħ: 'h',
};

const FOREIGN = new RegExp(`[^\\u0020-\\u007e\\u00a0-\\u00ff${BEYOND_LATIN1}]`, 'gu');

/**
 * Text in the characters of a PDF's standard fonts (WinAnsi): others lose their accents, or are
 * shown as a question mark.
 */
export const printable = (text: string): string =>
  text.normalize('NFC').replaceAll(FOREIGN, (character) => {
    const base = LETTERS[character] ?? character.normalize('NFKD').replaceAll(/\p{M}/gu, '');
    return base.replaceAll(FOREIGN, '?');
  });
