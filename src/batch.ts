interface Question<Answer> {
  readonly answer: Promise<Answer>;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers what is asked for during one turn of the event loop and asks for all of it at once; what is
 * asked for twice is asked for once. Every answer is read after its question came: what was committed
 * before that is in it.
 */
export class Batch<Answer> {
  private waiting = new Map<string, Question<Answer>>();

  /** @param askAll the answers, in the order of the keys */
  constructor(private readonly askAll: (keys: string[]) => Promise<readonly Answer[]>) {}

  ask(key: string): Promise<Answer> {
    let question = this.waiting.get(key);
    if (!question) {
      if (this.waiting.size === 0) setImmediate(() => void this.send());
      this.waiting.set(key, (question = newQuestion()));
    }
    return question.answer;
  }

  private async send(): Promise<void> {
    const asked = this.waiting;
    this.waiting = new Map();
    const questions = [...asked.values()];
    try {
      const answers = await this.askAll([...asked.keys()]);
      questions.forEach(({ resolve }, index) => resolve(answers[index]!));
    } catch (error) {
      for (const { reject } of questions) reject(error);
    }
  }
}

function newQuestion<Answer>(): Question<Answer> {
  let settle: Pick<Question<Answer>, 'resolve' | 'reject'>;
  const answer = new Promise<Answer>((resolve, reject) => (settle = { resolve, reject }));
  return { answer, ...settle! };
}
