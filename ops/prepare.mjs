import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout cannot be made ready; everything a person needs has been shown already. */
export class PrepareError extends Error {}

/** The project's folder, whatever the working directory is. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const NODE_MIN = [20, 19];
const SOURCE_FOLDERS = ['src', 'workers', 'migrations', 'ops'];
const BUILD_FILES = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
const DIST = join(ROOT, 'dist');
const BUILT = join(DIST, '.built');
const LOCK = join(ROOT, 'package-lock.json');
const INSTALLED_BY_NPM = join(ROOT, 'node_modules', '.package-lock.json');
const INSTALLED = join(ROOT, 'node_modules', '.brokerx-lock');

const tell = (text) => process.stderr.write(`${text}\n`); // standard output belongs to the command

const modifiedMs = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/**
 * Makes the checkout ready to run: the right Node, dependencies as locked, everything compiled. Does
 * nothing, quickly, when nothing has changed.
 * @throws PrepareError, after its cause was shown, when it cannot be done
 */
export async function prepare() {
  checkNode();
  if (dependenciesAreOld()) await install();
  removeOrphans();
  if (buildIsOld()) await build();
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  throw new PrepareError(
    `BrokerX+ needs Node ${NODE_MIN.join('.')} or later; this is Node ${process.versions.node}.`,
  );
}

const hashOfLock = () => createHash('sha256').update(readFileSync(LOCK)).digest('hex');

function dependenciesAreOld() {
  if (!existsSync(INSTALLED_BY_NPM)) return true;
  if (existsSync(INSTALLED) && readFileSync(INSTALLED, 'utf8') === hashOfLock()) return false;
  if (modifiedMs(INSTALLED_BY_NPM) < modifiedMs(LOCK)) return true;
  writeFileSync(INSTALLED, hashOfLock()); // somebody ran npm install or npm ci
  return false;
}

async function install() {
  tell('Installing dependencies (npm ci)');
  const npm = process.env.npm_execpath; // npm's own file, when npm has started us
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
  const isScript = npm !== undefined && /\.c?js$/.test(npm);
  await run(isScript ? process.execPath : 'npm', isScript ? [npm, ...args] : args, 'npm ci');
  writeFileSync(INSTALLED, hashOfLock());
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

const sources = () => SOURCE_FOLDERS.flatMap((name) => filesBelow(join(ROOT, name)));

function buildIsOld() {
  const builtMs = modifiedMs(BUILT);
  const inputs = [...sources(), ...BUILD_FILES.map((name) => join(ROOT, name))];
  return inputs.some((file) => modifiedMs(file) > builtMs);
}

/** Code whose source is gone must go too: a deleted migration would still run. */
function removeOrphans() {
  for (const name of SOURCE_FOLDERS) {
    for (const file of filesBelow(join(DIST, name))) {
      const source = join(ROOT, file.slice(DIST.length)).replace(/\.js(\.map)?$/, '.ts');
      if (existsSync(source) || !/\.js(\.map)?$/.test(file)) continue;
      rmSync(file);
      rmSync(join(DIST, '.tsbuildinfo'), { force: true }); // or it would not be written again
      rmSync(BUILT, { force: true });
    }
  }
}

async function build() {
  tell('Compiling');
  if (!existsSync(BUILT)) rmSync(join(DIST, '.tsbuildinfo'), { force: true });
  const startedAt = new Date();
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  await run(process.execPath, [compiler, '-p', 'tsconfig.build.json'], 'the compiler');
  writeFileSync(BUILT, '');
  utimesSync(BUILT, startedAt, startedAt); // what was edited meanwhile is newer
}

/** For scripts that can do nothing else then: says why and ends with code 1. */
export async function prepareOrExit() {
  try {
    await prepare();
  } catch (error) {
    tell(error instanceof PrepareError ? error.message : String(error?.stack));
    process.exit(1);
  }
}

/** Runs a command with its output on standard error; a signal to us ends it, and then us. */
function run(command, args, what) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2] });
    const stop = (signal) => child.kill(signal);
    process.on('SIGINT', stop).on('SIGTERM', stop);
    child.once('error', (error) => {
      reject(new PrepareError(`${what} cannot be run: ${error.message}`));
    });
    child.once('close', (code, signal) => {
      process.off('SIGINT', stop).off('SIGTERM', stop);
      if (code === 0) resolve();
      else reject(new PrepareError(`${what} failed (${signal ?? `code ${code}`})`));
    });
  });
}
