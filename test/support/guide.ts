/** One heading of the API guide with what stands below it. */
export interface GuideSection {
  /** Such as `GET /v2/orders/{id}`. */
  readonly operations: string[];
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

const HEADING = /^### (`.*)$/m;
const OPERATION = /`([A-Z]+ \/[^`]*)`/g;
const BLOCK = /```(\w+)\n([\s\S]*?)```/g;

/**
 * Reads the guide's endpoints.
 * @param variables what its calls name: `$URL`, `$ORDER_ID`, ...; lists of arguments such as AUTH
 *   are written as one text, `Name: value` by line
 */
export function readGuide(
  markdown: string,
  variables: Readonly<Record<string, string>>,
): GuideSection[] {
  const parts = markdown.split(/^(?=##? |### )/m).filter((part) => HEADING.test(part));
  return parts.map((part) => {
    const blocks = [...part.matchAll(BLOCK)].map(([, language, text]) => ({
      language,
      text: text!,
    }));
    const json = blocks.find(({ language }) => language === 'json');
    return {
      operations: [...HEADING.exec(part)![1]!.matchAll(OPERATION)].map(([, name]) => name!),
      calls: blocks
        .filter(({ language }) => language === 'sh')
        .flatMap(({ text }) => text.replaceAll('\\\n', ' ').trim().split('\n'))
        .map((line) => readCurl(line, variables)),
      answer: json && (JSON.parse(json.text) as unknown),
    };
  });
}

/** Understands as much of a shell as the guide uses: quotes, `$NAME` and `"${LIST[@]}"`. */
function readCurl(line: string, variables: Readonly<Record<string, string>>): GuideCall {
  const [command, ...words] = splitWords(line, variables);
  if (command !== 'curl') throw new Error(`not a call: ${line}`);
  const call = { method: '', url: '', headers: {} as Record<string, string>, body: '' };
  const addHeader = (text: string) => {
    const colon = text.indexOf(': ');
    call.headers[text.slice(0, colon)] = text.slice(colon + 2);
  };
  while (words.length > 0) {
    const word = words.shift()!;
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

function splitWords(line: string, variables: Readonly<Record<string, string>>): string[] {
  const fill = (text: string): string =>
    text.replace(VARIABLE, (all, list: string | undefined, name: string | undefined) => {
      const value = variables[list ?? name ?? ''];
      if (value === undefined) throw new Error(`the guide names ${all}, which is not known`);
      return value;
    });
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
      word += single ?? fill(double ?? plain ?? '');
      at += all.length;
    }
    words.push(word);
  }
  return words;
}
