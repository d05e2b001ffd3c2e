import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { unpackRedis } from '../../src/embedded/redis-binary.js';

const DOWNLOAD_TIMEOUT_MS = 150_000;

describe('a Redis that is fetched as a package', function () {
  this.timeout(DOWNLOAD_TIMEOUT_MS);

  let folder: string;

  before(async function () {
    if (spawnSync('apt-get', ['--version']).status !== 0) {
      process.stdout.write('    skipped: there is no apt-get on this system\n');
      this.skip();
    }
    folder = await mkdtemp(join(process.env['BROKERX_TEST_DIR']!, 'redis-download-'));
  });
  after(() => folder && rm(folder, { recursive: true, force: true }));

  it('runs at once, with the libraries that came along', async () => {
    const { command, env } = await unpackRedis(join(folder, 'programs'));

    const libraries = env['LD_LIBRARY_PATH']!.split(':');
    const has = (name: string) => libraries.some((path) => existsSync(join(path, name)));
    expect(has('liblzf.so.1'), 'liblzf').to.equal(true); // even where the system has its own
    expect(has('libjemalloc.so.2'), 'libjemalloc').to.equal(true);
    const { status, stdout } = spawnSync(command, ['--version'], {
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
    expect(status).to.equal(0);
    expect(stdout).to.include('Redis server');
  });
});
