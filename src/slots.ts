import { unavailable } from './errors.js';

/** Lets a few of something run at once, and a few more wait for their turn. */
export class Slots {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** @param busy what a caller is told when too many wait already */
  constructor(
    private readonly concurrentMax: number,
    private readonly waitingMax: number,
    private readonly busy: string,
  ) {}

  /** Runs the work when it is its turn. @throws DomainError 503 when too many wait */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= this.concurrentMax) {
      if (this.waiting.length >= this.waitingMax) throw unavailable(this.busy);
      await new Promise<void>((resolve) => this.waiting.push(resolve)); // the slot is handed over
    } else this.running += 1;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}
