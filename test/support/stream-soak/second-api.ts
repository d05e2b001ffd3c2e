import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { freePort } from '../../../src/embedded/free-port.js';
import { eventually } from '../eventually.js';
import type { Product } from '../processes.js';

const compiled = (path: string) => new URL(`../../../dist/src/${path}`, import.meta.url);
const API_FILE = fileURLToPath(compiled('main.js'));
const END_WITH_PARENT = pathToFileURL(fileURLToPath(compiled('embedded/end-with-parent.js'))).href;
const READY_WITHIN_MS = 30_000;

/** One more API process of a product, always at the same address. */
export class SecondApi {
  private child: ChildProcess | null = null;

  private constructor(
    readonly url: string,
    private readonly launch: () => ChildProcess,
  ) {}

  /** @param onStarted told how to end it, also when it does not become ready */
  static async start(
    { dataDir, demo }: Product,
    env: Readonly<Record<string, string>>,
    onStarted: (end: () => Promise<void>) => void,
  ): Promise<SecondApi> {
    const port = await freePort();
    const launch = () =>
      spawn(process.execPath, ['--import', END_WITH_PARENT, API_FILE], {
        cwd: dataDir, // where there is no .env
        env: {
          PATH: process.env['PATH'],
          ...env,
          PORT: String(port),
          DATA_DIR: dataDir,
          DATABASE_URL: demo.database_url,
          REDIS_URL: demo.redis_url,
        },
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      });
    const api = new SecondApi(`http://127.0.0.1:${port}`, launch);
    onStarted(() => api.end());
    await api.begin();
    return api;
  }

  /** Ends it in the given way, and starts it again. */
  async restart(signal: NodeJS.Signals): Promise<void> {
    await this.end(signal);
    await this.begin();
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { child } = this;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  private async begin(): Promise<void> {
    this.child = this.launch();
    await eventually(async () => {
      const { status } = await fetch(`${this.url}/ready`);
      if (status !== 200) throw new Error(`the second API is not ready: ${status}`);
    }, READY_WITHIN_MS);
  }
}
