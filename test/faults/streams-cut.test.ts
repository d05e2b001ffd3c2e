import { StreamSoak } from '../support/stream-soak/stream-soak.js';

/** The short version of `npm run soak:streams`: each fault once. */
describe('books from streams under load', function () {
  this.timeout(90_000);
  let soak: StreamSoak | undefined;

  before(async () => {
    soak = await StreamSoak.start({
      seconds: 4,
      checkEverySeconds: 4,
      faultEveryMs: 300,
      seed: 7,
      say: () => undefined,
    });
  });
  after(() => soak?.stop());

  it('are exactly what the server has after each kind of cut', () => soak!.run());
});
