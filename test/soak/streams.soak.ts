import { StreamSoak } from '../support/stream-soak/stream-soak.js';

const SECONDS = Number(process.env['SOAK_SECONDS'] ?? '60');
const SEED = Number(process.env['SOAK_SEED'] ?? '1');
/** For the start, and for checkpoints that wait for somebody to come back. */
const MORE_MS = 180_000;

/** `npm run soak:streams`; SOAK_SECONDS and SOAK_SEED from the environment. */
describe(`books from streams, for ${SECONDS} s`, function () {
  this.timeout(SECONDS * 3_000 + MORE_MS);
  let soak: StreamSoak | undefined;

  before(async () => {
    soak = await StreamSoak.start({
      seconds: SECONDS,
      checkEverySeconds: 10,
      faultEveryMs: 600,
      seed: SEED,
      say: (text) => process.stdout.write(`${text}\n`),
    });
  });
  after(() => soak?.stop());

  it('are exactly what the server has, however clients, Redis, publisher and APIs are cut off', () =>
    soak!.run());
});
