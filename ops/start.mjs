import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepareOrExit, ROOT } from './prepare.mjs';

/** `npm start` and `npm run dev`. The supervisor runs in this very process, the one npm signals. */
await prepareOrExit();

const embedded = join(ROOT, 'dist', 'src', 'embedded');
const urlOf = (name) => pathToFileURL(join(embedded, name)).href;

if (process.argv.includes('--watch')) {
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = ['-p', 'tsconfig.build.json', '--watch', '--preserveWatchOutput'];
  const child = spawn(
    process.execPath,
    ['--import', urlOf('end-with-parent.js'), compiler, ...args],
    { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  child.unref();
  child.channel.unref();
}

await import(urlOf('start.js'));
