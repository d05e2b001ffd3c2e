import { readdir, readFile } from 'node:fs/promises';

/** The dashboards as they are in `dashboards/`, and what they ask of Prometheus. */

export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  /** Asks for one moment, not for the time shown. */
  readonly instant?: boolean;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly Target[];
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: string;
}

export interface Dashboard {
  /** The file's name. */
  readonly file: string;
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly schemaVersion: number;
  readonly tags: readonly string[];
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: {
    readonly list: readonly { readonly name: string; readonly expr: string }[];
  };
}

/** One question to Prometheus, variables not filled in. */
export interface Query {
  /** Where it stands, for a person: `Queues / Depth A`. */
  readonly place: string;
  readonly expr: string;
  readonly instant: boolean;
}

/** @param folder as a URL that ends with a slash; @throws SyntaxError for a file that is no JSON */
export async function readDashboards(folder: URL): Promise<Dashboard[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(new URL(file, folder), 'utf8');
      return { ...(JSON.parse(text) as Omit<Dashboard, 'file'>), file };
    }),
  );
}

/** The panels that show something: rows are only headings. */
export const panelsOf = ({ panels }: Dashboard): Panel[] =>
  panels.filter(({ type }) => type !== 'row');

/** What the panels of a dashboard ask. */
export const panelQueries = (dashboard: Dashboard): Query[] =>
  panelsOf(dashboard).flatMap(({ title, targets = [] }) =>
    targets.map(({ refId, expr, instant = false }) => ({
      place: `${dashboard.title} / ${title} ${refId}`,
      expr,
      instant,
    })),
  );

/** What its annotations ask; most of the time there is nothing to mark. */
export const annotationQueries = ({ title, annotations }: Dashboard): Query[] =>
  annotations.list.map(({ name, expr }) => ({
    place: `${title} / annotation ${name}`,
    expr,
    instant: false,
  }));
