const WINDOW_MS = 5_000;
const LINES_PER_WINDOW = 10;
const IMPORTANT = /"level":"(?:warn|error)"/;

/** Takes a process's output, as it comes, and shows what a person at the terminal should see. */
export interface TerminalFilter {
  readonly onOutput: (text: string) => void;
  readonly onErrorOutput: (text: string) => void;
}

/**
 * Shows warnings and errors, and all of standard error, but never floods the terminal: the whole
 * output is in the log file.
 */
export function createTerminalFilter(
  name: string,
  logFile: string,
  show: (text: string) => void,
): TerminalFilter {
  let windowEnds = 0;
  let shown = 0;
  const showLimited = (text: string) => {
    const now = performance.now();
    if (now > windowEnds) {
      windowEnds = now + WINDOW_MS;
      shown = 0;
    }
    shown++;
    if (shown < LINES_PER_WINDOW) show(`[${name}] ${text}`);
    else if (shown === LINES_PER_WINDOW) show(`[${name}] ... more in ${logFile}`);
  };
  return {
    onOutput: byLine((line) => {
      if (IMPORTANT.test(line)) showLimited(summary(line));
    }),
    onErrorOutput: byLine(showLimited),
  };
}

/** Joins chunks into lines; what follows the last line break waits for the next chunk. */
function byLine(onLine: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onLine(line);
  };
}

/** A log line's level, message and error, without the JSON. */
function summary(line: string): string {
  try {
    const entry = JSON.parse(line) as Record<string, unknown>;
    const error = entry['error'] as { message?: unknown } | string | undefined;
    const reason = typeof error === 'string' ? error : error?.message;
    const text = `${String(entry['level'])}: ${String(entry['message'])}`;
    return typeof reason === 'string' ? `${text} (${reason})` : text;
  } catch {
    return line;
  }
}
