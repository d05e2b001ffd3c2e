import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  convertWorkflowTemplate,
  NoOperationTraceWriter,
  parseWorkflow,
} from '@actions/workflow-parser';
import { parse } from 'yaml';

const FOLDER = '.github/workflows';
/** An owner's action at a whole commit id: tags can be moved to other code. */
const PINNED = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/;

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Record<string, unknown>;
}
interface Job {
  readonly 'timeout-minutes'?: number;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly permissions?: Record<string, string>;
  readonly concurrency?: object;
  readonly jobs: Record<string, Job>;
}

/** What GitHub's own parser finds wrong with a workflow: keys, types and expressions. */
async function faultsOf(name: string, content: string): Promise<string[]> {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  if (value) await convertWorkflowTemplate(context, value);
  return [...new Set(context.errors.getErrors().map(({ message }) => message))];
}

const read = (name: string) => readFile(join(FOLDER, name), 'utf8');

describe('the workflow files', () => {
  let names: string[];

  before(async () => {
    names = (await readdir(FOLDER)).sort();
  });

  it('are the ones that this test knows of', () => {
    expect(names).to.deep.equal(['ci.yml', 'deploy.yml']);
  });

  it("have no fault in the eyes of GitHub's own parser", async () => {
    for (const name of names) expect(await faultsOf(name, await read(name))).to.deep.equal([]);
  });

  it('would be told by that parser if a key, a permission or an expression were wrong', async () => {
    const ci = await read('ci.yml');
    const spoilt = {
      "Unexpected value 'branchs'": ci.replace('branches:', 'branchs:'),
      "Unexpected value 'content'": ci.replace('contents: read', 'content: read'),
      "Unrecognized named-value: 'matrx'": ci.replace('${{ matrix.node }}', '${{ matrx.node }}'),
    };
    for (const [fault, content] of Object.entries(spoilt)) {
      expect((await faultsOf('ci.yml', content)).join('\n')).to.include(fault);
    }
  });

  it('pin every action, may do little, and end by themselves', async () => {
    for (const name of names) {
      const workflow = parse(await read(name)) as Workflow;
      expect(Object.values(workflow.permissions ?? { none: 'write' }), name).not.to.include(
        'write',
      );
      expect(workflow.concurrency, name).to.be.an('object');
      for (const [job, { steps, 'timeout-minutes': minutes }] of Object.entries(workflow.jobs)) {
        expect(minutes, `${name}, ${job}: timeout-minutes`).to.be.within(1, 60);
        for (const { uses } of steps) if (uses) expect(uses, `${name}, ${job}`).to.match(PINNED);
      }
    }
  });

  it('keep no credentials in the checkout, and put nothing from outside into a script', async () => {
    for (const name of names) {
      const { jobs } = parse(await read(name)) as Workflow;
      for (const { uses, run, with: input } of Object.values(jobs).flatMap(({ steps }) => steps)) {
        if (uses?.startsWith('actions/checkout@')) {
          expect(input?.['persist-credentials'], name).to.equal(false);
        }
        expect(run ?? '', name).not.to.match(/\$\{\{\s*(github|inputs|secrets|vars)\./);
      }
    }
  });
});
