import { setTimeout as sleep } from 'node:timers/promises';
import { isDataError, isRetryable } from '../db.js';
import { DomainError, unavailable } from '../errors.js';
import { outsideOfTraces } from '../tracing/spans.js';

interface Waiting<Command, Answer> {
  command: Command;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

export interface GroupCommitOptions<Command, Answer> {
  /** Commits a batch in one transaction; one answer or refusal a command, in the same order. */
  commit: (batch: Command[]) => Promise<(Answer | DomainError)[]>;
  maxBatch: number;
  /** How many commits may be under way at once. */
  lanes: number;
  /** Beyond this many waiting commands a new one is refused at once. */
  maxWaiting: number;
}

const MAX_ATTEMPTS = 8;

/**
 * Shares one commit among everything that arrives while the one before it is under way. There is no
 * timer: a single command in a quiet moment is committed at once, as a batch of one.
 */
export class GroupCommit<Command, Answer> {
  private waiting: Waiting<Command, Answer>[] = [];
  private busyLanes = 0;

  constructor(private readonly options: GroupCommitOptions<Command, Answer>) {}

  /**
   * @returns the command's own answer, after it is durable
   * @throws DomainError the command's own refusal; 503 when too many are waiting
   */
  submit(command: Command): Promise<Answer> {
    if (this.waiting.length >= this.options.maxWaiting) {
      return Promise.reject(unavailable('Too many orders are waiting; try again in a moment'));
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ command, resolve, reject });
      if (this.busyLanes < this.options.lanes) void outsideOfTraces(() => this.runLane());
    });
  }

  private async runLane(): Promise<void> {
    this.busyLanes += 1;
    await Promise.resolve(); // whatever arrived in the same tick comes along
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.options.maxBatch);
      await this.commit(batch);
    }
    this.busyLanes -= 1;
  }

  private async commit(batch: Waiting<Command, Answer>[]): Promise<void> {
    try {
      const answers = await this.attempt(batch.map(({ command }) => command));
      batch.forEach(({ resolve, reject }, index) => {
        const answer = answers[index]!;
        if (answer instanceof DomainError) reject(answer);
        else resolve(answer);
      });
    } catch (error) {
      // A bug or bad data in one command must not fail its batch mates: each alone, once.
      if (batch.length > 1 && isDataError(error)) for (const one of batch) await this.commit([one]);
      else for (const { reject } of batch) reject(error);
    }
  }

  private async attempt(commands: Command[]): Promise<(Answer | DomainError)[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.options.commit(commands);
      } catch (error) {
        if (!isRetryable(error) || attempt >= MAX_ATTEMPTS) throw error;
        await sleep(Math.random() * 10 * attempt); // jitter, or the same two collide again
      }
    }
  }
}
