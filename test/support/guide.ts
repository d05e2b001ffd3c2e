/** One heading of the API guide with what stands below it. */
export interface GuideSection {
  readonly title: string;
  /** Such as `GET /v2/orders/{id}`; none in sections that explain something. */
  readonly operations: string[];
  readonly steps: GuideStep[];
  /** A conversation over a WebSocket, when one is shown. */
  readonly messages: GuideMessage[];
}

/** Some calls, and what is shown behind them. */
export interface GuideStep {
  readonly calls: GuideCall[];
  /** The answer to the last call, abbreviated; undefined when none is shown. */
  readonly answer: unknown;
}

export interface GuideCall {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** A line of a conversation: `> {...}` is sent, `< {...}` is received, abbreviated. */
export interface GuideMessage {
  readonly isSent: boolean;
  readonly message: object;
}

type Variables = Readonly<Record<string, string>>;

const HEADING = /^##+ (.*)$/m;
const OPERATION = /`([A-Z]+ \/[^`]*)`/g;
const BLOCK = /```(\w+)\n([\s\S]*?)```/g;
const MESSAGE = /^([<>]) (.*)$/gm;

/**
 * Reads the guide's endpoints and whatever else has calls.
 * @param variables what its calls name: `$URL`, `$ORDER_ID`, ...; lists of arguments such as AUTH
 *   are written as one text, `Name: value` by line
 */
export function readGuide(markdown: string, variables: Variables): GuideSection[] {
  const parts = markdown.split(/^(?=##? |### )/m).filter((part) => HEADING.test(part));
  return parts.map((part) => {
    const title = HEADING.exec(part)![1]!;
    const operations = [...title.matchAll(OPERATION)].map(([, name]) => name!);
    return { title, operations, ...readBlocks(part, variables) };
  });
}

function readBlocks(part: string, variables: Variables): Pick<GuideSection, 'steps' | 'messages'> {
  const steps: { calls: GuideCall[]; answer: unknown }[] = [];
  const messages: GuideMessage[] = [];
  for (const [, language, text] of part.matchAll(BLOCK)) {
    const step = steps.at(-1);
    if (language === 'sh') steps.push({ calls: readCalls(text!, variables), answer: undefined });
    else if (language === 'json' && step) step.answer = JSON.parse(text!) as unknown;
    else messages.push(...readMessages(text!, variables));
  }
  return { steps, messages };
}

const readCalls = (text: string, variables: Variables): GuideCall[] =>
  text
    .replaceAll('\\\n', ' ')
    .trim()
    .split('\n')
    .map((line) => readCurl(line, variables));

const readMessages = (text: string, variables: Variables): GuideMessage[] =>
  [...text.matchAll(MESSAGE)].map(([, direction, json]) => ({
    isSent: direction === '>',
    message: JSON.parse(fill(json!, variables)) as object,
  }));

/** Understands as much of a shell as the guide uses: quotes, `$NAME` and `"${LIST[@]}"`. */
function readCurl(line: string, variables: Variables): GuideCall {
  const [command, ...words] = splitWords(line, variables);
  if (command !== 'curl') throw new Error(`not a call: ${line}`);
  const call = { method: '', url: '', headers: {} as Record<string, string>, body: '' };
  const addHeader = (text: string) => {
    const colon = text.indexOf(': ');
    call.headers[text.slice(0, colon)] = text.slice(colon + 2);
  };
  while (words.length > 0) {
    const word = words.shift()!;
    if (word === '-N') continue; // curl shows a stream as it comes
    if (word === '-X') call.method = words.shift()!;
    else if (word === '-d') call.body = words.shift()!;
    else if (word === '-H') addHeader(words.shift()!);
    else if (word.startsWith('http')) call.url = word;
    else for (const header of word.split('\n')) addHeader(header);
  }
  const method = call.method || (call.body ? 'POST' : 'GET');
  return { ...call, method, body: call.body || undefined };
}

const QUOTED = /'([^']*)'|"([^"]*)"|([^\s'"]+)/y;
const VARIABLE = /\$(?:\{(\w+)\[@\]\}|(\w+))/g;

const fill = (text: string, variables: Variables): string =>
  text.replace(VARIABLE, (all, list: string | undefined, name: string | undefined) => {
    const value = variables[list ?? name ?? ''];
    if (value === undefined) throw new Error(`the guide names ${all}, which is not known`);
    return value;
  });

function splitWords(line: string, variables: Variables): string[] {
  const words: string[] = [];
  let at = 0;
  while (at < line.length) {
    if (line[at] === ' ') {
      at += 1;
      continue;
    }
    let word = '';
    while (at < line.length && line[at] !== ' ') {
      QUOTED.lastIndex = at;
      const [all, single, double, plain] = QUOTED.exec(line) ?? [];
      if (all === undefined) throw new Error(`an open quote in ${line}`);
      word += single ?? fill(double ?? plain ?? '', variables);
      at += all.length;
    }
    words.push(word);
  }
  return words;
}
