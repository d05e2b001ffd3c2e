import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { slug } from 'github-slugger';
import {
  annotationQueries,
  panelQueries,
  panelsOf,
  readDashboards,
  type Dashboard,
  type Panel,
} from '../../ops/grafana/dashboards.js';
import { findOfPrometheus } from '../../ops/prometheus/prometheus-programs.js';
import type { Program } from '../../src/embedded/packaged-program.js';
import { BUILT_IN, chooseAll, fillIn } from '../../ops/grafana/variables.js';

const DECLARED_METRICS = fileURLToPath(new URL('../support/declared-metrics.ts', import.meta.url));
const GRAFANA = new URL('../../ops/grafana/', import.meta.url);
/** Of Grafana 11.6 and 12: a later Grafana brings it up to date by itself. */
const SCHEMA_VERSION = 41;
const NAMES = ['business', 'golden-signals', 'notifications', 'order-path', 'queues', 'stores'];
const COLUMNS = 24;
/** What Grafana 12 still has: `graph`, `singlestat` and `table-old` are gone. */
const PANEL_TYPES = ['timeseries', 'stat', 'heatmap', 'table'];
const RUNBOOK = /\n\nRunbook: `docs\/operations\/runbook\.md#[a-z0-9-]+`/;
const WITHIN_MS = 150_000;

/** The metrics of the product by name, as its modules declare them, and those of every Node process. */
function declaredMetrics(): Map<string, { type: string; isShared: boolean }> {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', DECLARED_METRICS],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  const metrics = JSON.parse(stdout) as { name: string; type: string; aggregator: string }[];
  return new Map(
    metrics.map(({ name, type, aggregator }) => [name, { type, isShared: aggregator === 'max' }]),
  );
}

/** The alerts of the rules, in lower case. */
async function alertNames(): Promise<string[]> {
  const folder = new URL('../prometheus/rules/', GRAFANA);
  const texts = await Promise.all(
    (await readdir(folder)).map((file) => readFile(new URL(file, folder), 'utf8')),
  );
  return texts.flatMap((text) =>
    [...text.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!.toLowerCase()),
  );
}

/** The names of metrics in an expression. */
const metricsIn = (expr: string): string[] =>
  expr.match(/\b(?:brokerx|http|nodejs|process)_\w+/g) ?? [];

describe('the dashboards', () => {
  let dashboards: Dashboard[];
  before(async () => (dashboards = await readDashboards(new URL('dashboards/', GRAFANA))));

  const eachPanel = (check: (panel: Panel, place: string) => void): void => {
    for (const dashboard of dashboards) {
      for (const panel of panelsOf(dashboard)) check(panel, `${dashboard.file}: ${panel.title}`);
    }
  };

  it('are there, each with a name of its own that stays', () => {
    const names = dashboards.map(({ file }) => file.replace('.json', ''));
    expect(names).to.have.members(NAMES);
    expect(dashboards.map(({ uid }) => uid)).to.deep.equal(names.map((name) => `brokerx-${name}`));
    expect(new Set(dashboards.map(({ title }) => title)).size).to.equal(dashboards.length);
    for (const { file, schemaVersion, tags, description } of dashboards) {
      expect(schemaVersion, file).to.equal(SCHEMA_VERSION);
      expect(tags, file).to.include('brokerx'); // by which they link to each other
      expect(description, file).not.to.equal('');
    }
  });

  it('number their panels and queries without a double', () => {
    for (const { file, panels } of dashboards) {
      const ids = panels.map(({ id }) => id);
      expect(new Set(ids).size, file).to.equal(ids.length);
    }
    eachPanel(({ targets = [] }, place) => {
      const refIds = targets.map(({ refId }) => refId);
      expect(new Set(refIds).size, place).to.equal(refIds.length);
    });
  });

  it('show each panel with a title, a unit, what is normal and where the runbook tells of it', () => {
    eachPanel(({ type, title, description = '', fieldConfig, targets = [] }, place) => {
      expect(PANEL_TYPES, place).to.include(type);
      expect(title, place).not.to.equal('');
      expect(description, place).to.include('\n\nNormal: ').and.to.match(RUNBOOK);
      expect(fieldConfig?.defaults.unit, place).to.be.a('string').and.not.to.equal('');
      expect(targets.length, place).to.be.greaterThan(0);
    });
  });

  it('place their panels side by side', () => {
    for (const { file, panels } of dashboards) {
      const taken = new Set<string>();
      for (const { title, gridPos } of panels) {
        const { x, y, w, h } = gridPos;
        expect(x + w, `${file}: ${title}`).to.be.at.most(COLUMNS);
        for (let cell = 0; cell < w * h; cell += 1) {
          const place = `${x + (cell % w)},${y + Math.floor(cell / w)}`;
          expect(taken.has(place), `${file}: ${title} covers another at ${place}`).to.equal(false);
          taken.add(place);
        }
      }
    }
  });

  it('ask for metrics that there are', () => {
    const declared = declaredMetrics();
    for (const dashboard of dashboards) {
      const queries = [...panelQueries(dashboard), ...annotationQueries(dashboard)];
      const asked = queries.map(({ place, expr }) => [place, expr] as const);
      const variables = dashboard.templating.list.map(({ name, query }) => [name, query] as const);
      for (const [place, expr] of [...asked, ...variables]) {
        for (const name of metricsIn(expr)) {
          const histogram = declared.get(name.replace(/_(bucket|sum|count)$/, ''));
          const isKnown =
            declared.has(name) || ['histogram', 'summary'].includes(histogram?.type ?? '');
          expect(isKnown, `${dashboard.file}: ${place} asks for ${name}`).to.equal(true);
        }
      }
    }
  });

  it('never add up what each process tells of all', () => {
    const declared = declaredMetrics();
    for (const { place, expr } of dashboards.flatMap(panelQueries)) {
      for (const name of metricsIn(expr).filter((one) => declared.get(one)?.isShared)) {
        const added = `\\b(?:sum|avg|count)(?: by \\([^)]*\\))? ?\\((?:\\w+\\()?${name}\\b`;
        expect(expr, place).not.to.match(new RegExp(added));
      }
    }
  });

  it('name entries that the runbook has, and one panel at least for each alert', async () => {
    const runbook = await readFile(
      new URL('../../docs/operations/runbook.md', import.meta.url),
      'utf8',
    );
    const entries = runbook.match(/(?<=^#{2,4} ).+$/gm)?.map((heading) => slug(heading)) ?? [];
    const named = new Set<string>();
    eachPanel(({ description = '' }, place) => {
      for (const [, anchor] of description.matchAll(/runbook\.md#([a-z0-9-]+)/g)) {
        expect(entries, place).to.include(anchor);
        named.add(anchor!);
      }
    });
    expect([...named]).to.include.members(await alertNames());
  });

  it('ask the data source that is provisioned, as often as Prometheus scrapes', async () => {
    const source = await readFile(
      new URL('provisioning/datasources/prometheus.yml', GRAFANA),
      'utf8',
    );
    const uid = /^ +uid: (\S+)$/m.exec(source)?.[1];
    eachPanel(({ datasource }, place) => {
      expect(datasource, place).to.deep.equal({ type: 'prometheus', uid });
    });
    const scrape = await readFile(new URL('../prometheus/prometheus.yml', GRAFANA), 'utf8');
    const interval = /scrape_interval: (\d+s)/.exec(scrape)?.[1];
    expect(/timeInterval: (\d+s)/.exec(source)?.[1]).to.equal(interval);
  });

  it('use the variables that they have, and no others', async () => {
    const anyValue = () => Promise.resolve(['one', 'two']);
    for (const dashboard of dashboards) {
      const variables = dashboard.templating.list;
      const chosen = await chooseAll(variables, anyValue);
      const queries = panelQueries(dashboard);
      for (const { expr } of queries) fillIn(expr, chosen); // throws for one that it does not have
      const asked = [...queries.map(({ expr }) => expr), ...variables.map(({ query }) => query)];
      for (const { name } of variables) {
        const isUsed = asked.some((text) => text.includes(`$${name}`));
        expect(isUsed, `${dashboard.file}: $${name}`).to.equal(true);
      }
    }
  });

  it('fill in several values of a variable as one regular expression, as Grafana does', async () => {
    const variable = { name: 'instance', type: 'query', query: 'label_values(up, instance)' };
    const chosen = await chooseAll([variable], () => Promise.resolve(['10.0.0.1:9464', 'b']));
    expect(fillIn('up{instance=~"$instance"}', chosen)).to.equal(
      String.raw`up{instance=~"(10\\.0\\.0\\.1:9464|b)"}`,
    );
    expect(fillIn('rate(a[$__rate_interval])', chosen)).to.equal(
      `rate(a[${BUILT_IN.__rate_interval}])`,
    );
    expect(() => fillIn('a[$interval]', chosen)).to.throw('$interval is not a variable');
  });

  describe('asked of promtool', function () {
    this.timeout(WITHIN_MS);

    let folder: string;
    let promtool: Program;
    before(async function () {
      folder = await mkdtemp(join(process.env['BROKERX_TEST_DIR']!, 'promtool-'));
      try {
        promtool = await findOfPrometheus('promtool', join(folder, 'programs'));
      } catch (error) {
        process.stdout.write(`    skipped: ${String(error)}\n`);
        this.skip();
      }
    });
    after(() => rm(folder, { recursive: true, force: true }));

    it('are made of expressions that Prometheus understands', async () => {
      const rules: { record: string; expr: string }[] = [];
      for (const dashboard of dashboards) {
        const chosen = await chooseAll(dashboard.templating.list, () => Promise.resolve(['any']));
        for (const { expr } of [...panelQueries(dashboard), ...annotationQueries(dashboard)]) {
          rules.push({ record: `query_${rules.length}`, expr: fillIn(expr, chosen) });
        }
      }
      const file = join(folder, 'queries.yml');
      await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboards', rules }] })); // is YAML, too
      const { status, stdout, stderr } = spawnSync(promtool.command, ['check', 'rules', file], {
        env: { ...process.env, ...promtool.env },
        encoding: 'utf8',
      });
      expect(status, stderr).to.equal(0);
      expect(stdout).to.include(`SUCCESS: ${rules.length} rules found`);
    });
  });
});
