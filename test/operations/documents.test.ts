import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect } from 'chai';
import GithubSlugger from 'github-slugger';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { visit } from 'unist-util-visit';

/** A file of ours, named in a text. */
const OUR_FILE = /^(src|workers|migrations|test|ops|docs|\.github|\.ci)\/[\w./-]+\.\w+$/;
const SCRIPT = /\bnpm run ([\w:-]+)/g;
const RUNBOOK_LINK = /\bdocs\/[\w./-]+\.md(#[\w-]+)?/g;

interface Document {
  /** What `#...` may say. */
  readonly anchors: ReadonlySet<string>;
  readonly links: readonly string[];
  /** Inline code and code blocks. */
  readonly code: readonly string[];
}

const tracked = (...patterns: string[]): string[] =>
  execFileSync('git', ['ls-files', '-z', ...patterns], { encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '' && existsSync(file));

/** The text that a heading shows, without its marks. */
function textOf(node: object): string {
  const { value, children } = node as { value?: string; children?: object[] };
  return value ?? (children ?? []).map(textOf).join('');
}

function read(file: string): Document {
  const slugger = new GithubSlugger();
  const anchors = new Set<string>();
  const links: string[] = [];
  const code: string[] = [];
  visit(fromMarkdown(readFileSync(file, 'utf8')), (node) => {
    if (node.type === 'heading') anchors.add(slugger.slug(textOf(node)));
    if (node.type === 'link' || node.type === 'image' || node.type === 'definition') {
      links.push(node.url);
    }
    if (node.type === 'inlineCode' || node.type === 'code') code.push(node.value);
    if (node.type === 'html') {
      for (const [, id] of node.value.matchAll(/\b(?:id|name)="([^"]+)"/g)) anchors.add(id!);
    }
  });
  return { anchors, links, code };
}

describe('the documents', () => {
  const files = tracked('*.md');
  const documents = new Map(files.map((file) => [file, read(file)]));

  /** @returns what is wrong with a link of ours; null when nothing is */
  function faultOf(link: string, from: string): string | null {
    if (/^[a-z]+:/i.test(link)) return null; // elsewhere: not ours to check
    const [path, anchor] = decodeURI(link).split('#') as [string, string | undefined];
    const target = path === '' ? from : normalize(join(dirname(from), path));
    if (target.startsWith('..') || !existsSync(target)) return `${from}: ${link} is not there`;
    const anchors = documents.get(target)?.anchors;
    if (anchor === undefined || !anchors || anchors.has(anchor)) return null;
    return `${from}: ${link} has no such heading`;
  }

  it('are found, with their headings and links', () => {
    expect(files).to.include.members(['README.md', 'docs/operations/runbook.md']);
    expect(documents.get('README.md')!.anchors).to.include('two-commands');
    expect(documents.get('README.md')!.links).to.include('docs/api.md');
  });

  it('link to files and headings that are there', () => {
    const faults = [...documents].flatMap(([file, { links }]) =>
      links.map((link) => faultOf(link, file)).filter((fault) => fault !== null),
    );
    expect(faults).to.deep.equal([]);
  });

  it('would be told of a link to nowhere', () => {
    expect(faultOf('docs/nowhere.md', 'README.md')).to.include('is not there');
    expect(faultOf('../README.md#nowhere', 'docs/api.md')).to.include('no such heading');
    expect(faultOf('#two-commands', 'README.md')).to.equal(null);
  });

  it('name files and scripts that are there', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      scripts: Record<string, string>;
    };
    const faults = [...documents].flatMap(([file, { code }]) =>
      code.flatMap((text) => [
        ...(OUR_FILE.test(text) && !existsSync(text) ? [`${file}: ${text} is not there`] : []),
        ...[...text.matchAll(SCRIPT)]
          .filter(([, name]) => !Object.hasOwn(scripts, name!))
          .map(([, name]) => `${file}: npm run ${name} is no script`),
      ]),
    );
    expect(faults).to.deep.equal([]);
  });

  it('have what alerts and dashboards link to', () => {
    const sources = tracked('ops/prometheus', 'ops/alertmanager', 'ops/grafana');
    const faults = sources.flatMap((source) =>
      [...readFileSync(source, 'utf8').matchAll(RUNBOOK_LINK)]
        .map(([link]) => faultOf(link, 'README.md'))
        .filter((fault) => fault !== null)
        .map((fault) => fault.replace('README.md', source)),
    );
    expect([...new Set(faults)]).to.deep.equal([]);
    expect(
      sources.some((source) => readFileSync(source, 'utf8').search(RUNBOOK_LINK) >= 0),
    ).to.equal(true);
  });
});
