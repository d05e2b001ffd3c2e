import Joi from 'joi';

/** So often a parameter may be repeated. */
const REPEATED_MAX = 100;

export interface ListTerms {
  /** Of one text, in characters. */
  readonly maxLength: number;
  /** What becomes of each name, such as its capitals. */
  readonly each?: (name: string) => string;
  /** @returns what is wrong with the names, to stand behind the parameter's, or undefined */
  readonly fault?: (names: readonly string[]) => string | undefined;
}

/** For a list whose names are all among these. */
export const among =
  (known: readonly string[]): NonNullable<ListTerms['fault']> =>
  (names) => {
    const unknown = names.find((name) => !known.includes(name));
    return unknown === undefined
      ? undefined
      : `has "${unknown.slice(0, 40)}"; known are ${known.join(', ')}`;
  };

/**
 * A list in the query, separated by commas (`symbols=A,B`), repeated (`symbols=A&symbols=B`), or both;
 * becomes an array of names.
 */
export function listParameter({ maxLength, each, fault }: ListTerms): Joi.AlternativesSchema {
  const text = Joi.string().max(maxLength);
  return Joi.alternatives(text, Joi.array().items(text).max(REPEATED_MAX))
    .messages({
      'alternatives.types': '{#label} must be a list, comma-separated or repeated',
      'alternatives.match': `{#label} must be a list of at most ${maxLength} characters`,
    })
    .custom((value: string | string[], { message }) => {
      const names = [value]
        .flat()
        .flatMap((one) => one.split(','))
        .map((name) => (each ? each(name.trim()) : name.trim()));
      const wrong = fault?.(names);
      // as a value of the template: it may quote what was sent, braces and all
      return wrong === undefined ? names : message({ custom: '{#label} {#wrong}' }, { wrong });
    });
}
