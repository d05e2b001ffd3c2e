// Builds the product's image, runs it by docker-compose.yml as a stranger would, and sees whether it
// works: npm run smoke:compose. It needs Docker with compose, and leaves nothing behind but the image.
// --no-build takes the image that is there; --keep leaves everything running.
import { composeProject } from './compose.mjs';
import { accessChecks, containerChecks, orderChecks, runbookChecks } from './smoke-basics.mjs';
import { restartChecks, workerChecks } from './smoke-faults.mjs';

const KEEP = process.argv.includes('--keep');
const project = await composeProject('brokerx-smoke');
const total = { passed: 0, failed: 0 };
const say = (text) => process.stdout.write(`${text}\n`);

/** One line for each thing that must hold. @param what does it, and returns what is worth telling */
async function check(name, what) {
  const began = performance.now();
  const seconds = () => `${((performance.now() - began) / 1_000).toFixed(1)} s`;
  try {
    const told = await what();
    total.passed++;
    say(`ok    ${name} (${[told, seconds()].filter(Boolean).join(', ')})`);
    return true;
  } catch (error) {
    total.failed++;
    say(
      `FAIL  ${name} (${seconds()})\n      ${String(error.message).replaceAll('\n', '\n      ')}`,
    );
    return false;
  }
}

const isUp =
  (await check('the image is built', async () => {
    if (!process.argv.includes('--no-build')) await project.compose('build');
    const bytes = Number(await project.inspect('brokerx-plus', '{{.Size}}'));
    return `${Math.round(bytes / 1e6)} MB`;
  })) &&
  (await check('everything comes up healthy', () =>
    project.compose('up', '-d', '--wait', '--wait-timeout', '400').then(() => ''),
  ));

if (isUp) {
  await containerChecks(check, project);
  await runbookChecks(check, project);
  const clients = await orderChecks(check, project);
  if (clients) {
    await accessChecks(check, project, clients);
    await workerChecks(check, project, clients);
    await restartChecks(check, project, clients);
  }
} else {
  say(await project.compose('ps', '-a').catch(String));
  say(await project.compose('logs', '--tail', '20', '--no-color').catch(String));
}
if (!KEEP) {
  await check('everything goes down', () => project.compose('down', '-v').then(() => ''));
}
say(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 ? 1 : 0);
