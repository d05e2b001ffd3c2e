import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, kindsOf, openAfter, startCrowd } from './crowd.mjs';

const PER_SECOND = Number(process.env.SMOKE_PER_SECOND ?? 40);
const WORKERS = 4;
const CLOSED_WITHIN_MS = 90_000;
/** The replicas are restarted so many times, one by one. */
const ROUNDS = Number(process.env.SMOKE_ROUNDS ?? 2);
/** In a container without ps: whoever runs node is killed, as a crash or the kernel would. */
const CRASH =
  'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = node ] && kill -9 "${p#/proc/}"; done';

const report = (seen) =>
  `${seen.requests} requests, ${seen.placed.length} orders, slowest ${Math.round(seen.slowestMs)} ms`;

/** Workers come and go under load. */
export async function workerChecks(check, project, clients) {
  const { url, docker, compose, idsOf } = project;
  const crowd = startCrowd(url, clients, PER_SECOND);
  const scaleTo = (count) =>
    compose('up', '-d', '--no-recreate', '--no-deps', '--scale', `worker=${count}`, 'worker');

  await check(`${WORKERS} workers come up under load`, async () => {
    await scaleTo(WORKERS);
    const ids = await idsOf('worker');
    assert.equal(ids.length, WORKERS);
    for (const id of ids) await project.untilHealthy(id);
    assert.notEqual(crowd.seen.placed.length, 0);
    return report(crowd.seen);
  });
  await check('two of them are killed, and start again by themselves', async () => {
    const killed = (await idsOf('worker')).slice(0, 2);
    const startedAt = (id) => project.inspect(id, '{{.State.StartedAt}}');
    const before = await Promise.all(killed.map(startedAt));
    for (const id of killed) await docker('exec', id, 'sh', '-c', CRASH).catch(() => undefined);
    await sleep(2_000);
    for (const id of killed) await project.untilHealthy(id);
    const after = await Promise.all(killed.map(startedAt));
    after.forEach((time, at) => assert.notEqual(time, before[at], `${killed[at]} went on`));
  });
  await check('three of them are taken away', async () => {
    await scaleTo(1);
    assert.equal((await idsOf('worker')).length, 1);
  });
  await sleep(1_000);
  await crowd.stop();
  await check('no request failed meanwhile', () => {
    assert.deepEqual(kindsOf(crowd.seen.failures), []);
    return report(crowd.seen);
  });
  await settled(check, project, crowd.seen.placed);
}

/** The API's replicas restart one by one under load; a third one comes and goes. */
export async function restartChecks(check, project, clients) {
  const { url, docker, compose, idsOf } = project;
  const crowd = startCrowd(url, clients, PER_SECOND);
  const failuresOf = () => crowd.seen.failures.length;

  for (let round = 1; round <= ROUNDS; round++) {
    for (const [at, id] of (await idsOf('web')).entries()) {
      await check(`replica ${at + 1} of the API restarts, and no request fails`, async () => {
        const before = failuresOf();
        await sleep(1_000);
        await docker('restart', id);
        await project.untilHealthy(id);
        await sleep(3_000);
        assert.deepEqual(kindsOf(crowd.seen.failures.slice(before)), []);
      });
    }
  }
  const scaleTo = (count) =>
    compose('up', '-d', '--no-recreate', '--no-deps', '--scale', `web=${count}`, 'web');
  await check(
    'a third replica is found by nginx, and leaves without a failed request',
    async () => {
      const before = failuresOf();
      const known = new Set(await idsOf('web'));
      await scaleTo(known.size + 1);
      const added = (await idsOf('web')).find((id) => !known.has(id));
      await project.untilHealthy(added);
      await sleep(8_000); // nginx looks every other second
      const log = await docker('logs', '--tail', '50', added);
      assert.match(log, /"path":"\/v2\/orders"/, 'it was sent nothing');
      await scaleTo(known.size);
      await sleep(3_000);
      assert.deepEqual(kindsOf(crowd.seen.failures.slice(before)), []);
    },
  );
  await crowd.stop();
  await check('no request failed during all of it', () => {
    assert.deepEqual(kindsOf(crowd.seen.failures), []);
    return report(crowd.seen);
  });
  await settled(check, project, crowd.seen.placed);
}

async function settled(check, { url }, placed) {
  await check('nothing is lost: every order has come to its end', async () => {
    assert.notEqual(placed.length, 0);
    const open = await openAfter(url, placed, CLOSED_WITHIN_MS);
    assert.deepEqual(open.slice(0, 5), []);
    return `${placed.length} orders`;
  });
  await check('the ledger proves itself', async () => {
    const { status, body } = await call(url, placed[0].client, 'GET', '/v2/ledger/proof');
    assert.equal(status, 200);
    assert.equal(body.balanced, true, JSON.stringify(body));
    assert.equal(body.total.unbalanced_assets + body.total.mismatched_balances, 0);
    return `${body.total.postings} postings`;
  });
}
