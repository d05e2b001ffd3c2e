import { execFile, spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { expect } from 'chai';
import { findProgram, hasApt } from '../../src/embedded/packaged-program.js';

/** Stands for Docker: notes what it is told, and fails where the test says so. */
const DOCKER = `#!/usr/bin/env bash
tag=$(sed -n 's/^BROKERX_TAG=//p' .env)
echo "$tag $*" >>"$MACHINE/docker.log"
grep -qsxF "$tag $2" "$MACHINE/breaks" && exit 1
touch "$MACHINE/web"
if [ "$2 $4" = 'ps --format' ]; then
  if grep -qsxF "$tag worker" "$MACHINE/breaks"; then echo 'worker restarting  1'; fi
  printf '%s\\n' 'postgres running healthy 0' 'migrate exited  0' 'webhooks running  0'
elif [ "$2 $4" = 'ps web' ] || [ "$2 $5" = 'ps web' ]; then cat "$MACHINE/web"
elif [ "$2" = ps ]; then echo nginx-1
elif [ "$1" = inspect ]; then echo "brokerx-plus:\${4%-*}"
elif [ "$1" = rm ]; then shift; for id in "$@"; do sed -i "/^$id$/d" "$MACHINE/web"; done
elif [ "$2" = up ]; then
  if [[ $* == *--scale* ]]; then printf '%s\n' "$tag-3" "$tag-4" >>"$MACHINE/web"
  elif [ "$(grep -c "^$tag-" "$MACHINE/web")" = 0 ]; then printf '%s\n' "$tag-1" "$tag-2" >"$MACHINE/web"; fi
  [[ $* == *--scale* ]] || echo "$tag" >"$MACHINE/runs"
fi
`;
/** Stands for SSH: the far machine is this one. */
const SSH = `#!/usr/bin/env bash
while [ "$1" = -o ]; do shift 2; done
[ "$1" = deploy@vm ] && exec bash -c "$2"
`;

describe('a deployment', function () {
  this.timeout(60_000);

  let machine: string;
  let sources: string;
  let folder: string;
  let server: Server;
  let commits: { first: string; second: string };

  const git = (...args: string[]) => {
    const settings = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];
    const { status, stdout, stderr } = spawnSync('git', [...settings, ...args], {
      cwd: sources,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  const commit = async (conf: string) => {
    await writeFile(join(sources, 'ops/nginx/nginx.conf'), conf);
    git('add', '.');
    git('commit', '--quiet', '--message', conf);
    return git('rev-parse', 'HEAD');
  };
  const deploy = (...args: string[]) =>
    new Promise<{ code: number; output: string }>((resolve) => {
      const env = {
        ...process.env,
        PATH: join(machine, 'bin') + delimiter + process.env['PATH']!,
        MACHINE: machine,
        DEPLOY_DIR: folder,
        READY_WITHIN_S: '0',
        STILL_READY_AFTER_S: '0',
        ASKED_AGAIN: '0',
      };
      execFile(join(sources, 'ops/deploy/deploy.sh'), args, { env }, (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr });
      });
    });
  const breaks = (...what: string[]) => writeFile(join(machine, 'breaks'), what.join('\n'));
  const runs = async () => (await readFile(join(machine, 'runs'), 'utf8')).trim();
  const current = async () => (await readlink(join(folder, 'current'))).replace('releases/', '');
  const webs = async () => (await readFile(join(machine, 'web'), 'utf8')).trim().split('\n');
  const toldDocker = async () => (await readFile(join(machine, 'docker.log'), 'utf8')).split('\n');

  beforeEach(async () => {
    machine = await mkdtemp(join(process.env['BROKERX_TEST_DIR']!, 'deploy-'));
    sources = join(machine, 'sources');
    folder = join(machine, 'brokerx');
    for (const path of ['bin', 'sources/ops/nginx', 'brokerx']) {
      await mkdir(join(machine, path), { recursive: true });
    }
    for (const [name, text] of Object.entries({ docker: DOCKER, ssh: SSH })) {
      await writeFile(join(machine, 'bin', name), text);
      await chmod(join(machine, 'bin', name), 0o755);
    }
    await cp('ops/deploy', join(sources, 'ops/deploy'), { recursive: true });
    git('init', '--quiet');
    commits = { first: await commit('one'), second: await commit('two') };
    server = createServer((_request, response) => {
      void Promise.all([runs(), readFile(join(machine, 'breaks'), 'utf8').catch(() => '')]).then(
        ([tag, broken]) => response.writeHead(broken.includes(`${tag} ready`) ? 503 : 200).end(),
      );
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await writeFile(join(folder, '.env'), `PORT=${port}\nLOG_LEVEL=warn\n`, { mode: 0o600 });
  });
  afterEach(async () => {
    server.close();
    await rm(machine, { recursive: true, force: true });
  });

  it('builds, migrates and starts a commit, and remembers what ran before', async () => {
    expect(await deploy('deploy', 'deploy@vm', commits.first)).to.include({ code: 0 });
    const { code, output } = await deploy('deploy', 'deploy@vm');

    expect(code, output).to.equal(0);
    expect(await current()).to.equal(commits.second);
    expect(await runs()).to.equal(commits.second);
    expect(await readFile(join(folder, 'previous'), 'utf8')).to.equal(`${commits.first}\n`);
    expect((await readFile(join(folder, '.env'), 'utf8')).split('\n').slice(1)).to.deep.equal([
      'LOG_LEVEL=warn',
      `BROKERX_TAG=${commits.second}`,
      '',
    ]);
    expect(await webs()).to.deep.equal([`${commits.second}-3`, `${commits.second}-4`]);
    const steps = (await toldDocker())
      .filter((line) => line.startsWith(`${commits.second} compose`))
      .map((line) => line.split(' ').slice(2).join(' '))
      .filter((step) => !step.startsWith('ps'));
    expect(steps).to.deep.equal([
      'build',
      'run --rm --no-TTY migrate',
      'up --detach --no-build --no-deps --no-recreate --scale web=4 web', // beside the old ones
      'up --detach --no-build --remove-orphans',
      'up --detach --no-deps --force-recreate nginx', // its file has changed
    ]);
  });

  it('goes back by itself when the new release does not get ready', async () => {
    await deploy('deploy', 'deploy@vm', commits.first);
    for (const what of ['worker', 'ready', 'up']) {
      await breaks(`${commits.second} ${what}`);
      const { code, output } = await deploy('deploy', 'deploy@vm');

      expect(code, output).to.equal(1);
      expect(output).to.include(`${commits.second} does not run; ${commits.first} runs again`);
      expect([await current(), await runs()]).to.deep.equal([commits.first, commits.first]);
      expect((await webs()).map((name) => name.split('-')[0])).to.deep.equal([
        commits.first,
        commits.first,
      ]);
    }
  });

  it('leaves what runs alone when the image or the migration fails', async () => {
    await deploy('deploy', 'deploy@vm', commits.first);
    for (const [step, message] of [
      ['build', 'the image was not built'],
      ['run', 'the migration failed'],
    ] as const) {
      await breaks(`${commits.second} ${step}`);
      const { code, output } = await deploy('deploy', 'deploy@vm');

      expect(code, output).to.equal(1);
      expect(output).to.include(`${message}; ${commits.first} runs as before`);
      expect(await current()).to.equal(commits.first);
      expect((await toldDocker()).join('\n')).not.to.include(`${commits.second} compose up`);
    }
  });

  it('goes back when it is told to, and forth again', async () => {
    expect((await deploy('rollback', 'deploy@vm')).code).not.to.equal(0); // nothing is there yet
    await deploy('deploy', 'deploy@vm', commits.first);
    expect((await deploy('rollback', 'deploy@vm')).output).to.include('there is no release before');
    await deploy('deploy', 'deploy@vm', commits.second);
    for (const expected of [commits.first, commits.second]) {
      const { code, output } = await deploy('rollback', 'deploy@vm');
      expect(code, output).to.equal(0);
      expect(await runs()).to.equal(expected);
    }
  });

  it('refuses what it does not understand', async () => {
    expect((await deploy('deploy', '-oProxyCommand=x')).output).to.include('is no host');
    expect((await deploy('deplo', 'deploy@vm')).output).to.include('ops/deploy/deploy.sh rollback');
    expect((await deploy('deploy', 'deploy@vm', 'no-such-commit')).code).to.equal(128);
    await rm(join(folder, '.env'));
    expect((await deploy('deploy', 'deploy@vm')).output).to.include('.env is missing');
  });
});

describe('the shell scripts', function () {
  this.timeout(150_000);

  it('have no fault that shellcheck finds', async function () {
    const wanted = {
      names: ['shellcheck'],
      path: 'usr/bin/shellcheck',
      packages: ['shellcheck'],
      missing: 'There is no shellcheck: apt install shellcheck, or brew install shellcheck',
    };
    const folder = join(process.env['BROKERX_TEST_DIR']!, 'shellcheck');
    const program = await findProgram(wanted, folder, () => undefined).catch((error: unknown) => {
      if (hasApt()) throw error;
      process.stdout.write(`    skipped: ${wanted.missing}\n`);
      this.skip();
    });
    const listed = spawnSync('git', ['ls-files', '*.sh', '.ci/run'], { encoding: 'utf8' });
    const scripts = listed.stdout.trim().split('\n');
    expect(scripts).to.include('ops/deploy/release.sh');

    const { stdout, status } = spawnSync(program.command, scripts, {
      env: { ...process.env, ...program.env },
      encoding: 'utf8',
    });
    expect(stdout).to.equal('');
    expect(status).to.equal(0);
  });
});
