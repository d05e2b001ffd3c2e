import type { Language } from './events.js';

/** The same thing in each language: one that is left out does not compile. */
export type InEachLanguage<T> = Readonly<Record<Language, T>>;

/**
 * Decimal text as a language writes it. Only the decimal sign changes, never a digit: nothing is
 * rounded, padded or put into groups, so that a number can be searched for and compared with what the
 * API says. French has a decimal comma.
 */
export const decimalIn = (language: Language, text: string): string =>
  language === 'fr' ? text.replace('.', ',') : text;

export const dollarsIn = (language: Language, text: string): string =>
  `${decimalIn(language, text)} USD`;

const RFC_3339_UTC = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/;

/** The same in every language: day and month cannot be mixed up. @param text RFC 3339 in UTC */
export const timeText = (text: string): string => text.replace(RFC_3339_UTC, '$1 $2 UTC');
