import { parseArgs } from 'node:util';

/**
 * Reads options that are all whole numbers above 0.
 * @param defaults by name; an option is given as `--name 10`
 * @throws Error for an unknown option, or a value that is no such number
 */
export function readOptions<Options extends Readonly<Record<string, number>>>(
  defaults: Options,
): Record<keyof Options, number> {
  const names: (keyof Options & string)[] = Object.keys(defaults);
  const { values } = parseArgs({
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
  });
  const options: Record<keyof Options, number> = { ...defaults };
  for (const name of names) {
    const value = values[name];
    if (value === undefined) continue;
    const number = Number(value);
    if (!Number.isInteger(number) || number < 1) {
      throw new Error(`--${name} was ${value}: it must be a whole number above 0`);
    }
    options[name] = number;
  }
  return options;
}
