import type { Variable } from './dashboards.js';

/** Fills in what Grafana would before it asks Prometheus. */

/** Looks up the values of a label, over the series that a selector names. */
export type LabelValues = (selector: string, label: string) => Promise<readonly string[]>;

/** Grafana's own variables, by name. */
export interface BuiltIn {
  readonly __rate_interval: string;
  readonly __range: string;
}

/**
 * With a data source that is scraped every 10 s Grafana takes at least four times that for a rate; the
 * range is that of a person who looks at the last five minutes.
 */
export const BUILT_IN: BuiltIn = { __rate_interval: '40s', __range: '5m' };

const LABEL_VALUES = /^label_values\((?<selector>.+), (?<label>\w+)\)$/;

/**
 * The values of a dashboard's variables with "All" chosen, each as a regular expression.
 * @throws Error for a variable that has no values, or that is none of label_values
 */
export async function chooseAll(
  variables: readonly Variable[],
  labelValues: LabelValues,
): Promise<Map<string, string>> {
  const chosen = new Map<string, string>(Object.entries(BUILT_IN));
  for (const { name, query } of variables) {
    const { selector, label } = LABEL_VALUES.exec(query)?.groups ?? {};
    if (selector === undefined || label === undefined)
      throw new Error(`$${name} asks ${query}: only label_values(series, label) is known`);
    const values = await labelValues(fillIn(selector, chosen), label);
    if (values.length === 0) throw new Error(`$${name} has no values: ${query}`);
    chosen.set(name, `(${values.map(escapeRegExp).join('|')})`);
  }
  return chosen;
}

/** @throws Error for a variable that is not known */
export const fillIn = (expr: string, chosen: ReadonlyMap<string, string>): string =>
  expr.replaceAll(/\$(\w+)/g, (whole, name: string) => {
    const value = chosen.get(name);
    if (value === undefined)
      throw new Error(`${whole} is not a variable of the dashboard: ${expr}`);
    return value;
  });

/** In a string of PromQL a backslash is written twice. */
const escapeRegExp = (value: string): string => value.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\\\$&');
