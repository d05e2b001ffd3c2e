import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { CsvError, parse, type Info } from 'csv-parse';
import { parseDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';

/** One line of a replay file. */
export interface ReplayRow {
  readonly time: Date;
  /** As the file has it: `AAPL`, `BTC/USD` or `BTCUSD`. */
  readonly symbol: string;
  /** In 10^-4 USD. */
  readonly price: bigint;
  /** In 10^-9 units. */
  readonly size: bigint;
}

const COLUMNS = ['time', 'symbol', 'price', 'size'] as const;
type Column = (typeof COLUMNS)[number];

const LINE_BYTES_MAX = 1_000;
const SHOWN_CHARACTERS = 40;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const TIME_HINT = 'it must be a time with its zone, such as 2026-03-02T14:30:00.250Z';

/** Whether there is such an asset. */
export type KnowsSymbol = (symbol: string) => boolean;

/**
 * The rows of a replay file, one after the other as they are asked for: of any length, never in
 * memory as a whole.
 * @throws Error that names the line and the column, what was there and what is allowed
 */
export async function* readReplay(file: string, knows: KnowsSymbol): AsyncGenerator<ReplayRow> {
  const parser = parse({
    bom: true,
    trim: true,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: LINE_BYTES_MAX,
  });
  const source = createReadStream(file);
  pipeline(source, parser, () => undefined); // a failure comes out of the parser
  let before: Date | null = null;
  let isHeader = true;
  try {
    for await (const read of parser) {
      const { record, info } = read as { record: string[]; info: Info };
      if (isHeader) checkHeader(record, file);
      else {
        const row = readRow(record, new Place(file, info.lines), knows, before);
        before = row.time;
        yield row;
      }
      isHeader = false;
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new Error(`MARKET_REPLAY_FILE ${file} is not CSV: ${error.message}`, { cause: error });
  } finally {
    source.destroy();
  }
  if (isHeader) checkHeader([], file);
  if (before === null) throw new Error(`MARKET_REPLAY_FILE ${file} has no line below its header`);
}

/**
 * Reads the whole file once, so that a bad one is found before anything starts.
 * @returns how many rows it has
 * @throws Error as `readReplay`, or when there is no such file
 */
export async function checkReplay(file: string, knows: KnowsSymbol): Promise<number> {
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) {
    throw new Error(`MARKET_REPLAY_FILE was "${file}": it must be the path of a readable file`);
  }
  let rows = 0;
  for (const reading = readReplay(file, knows); !(await reading.next()).done;) rows += 1;
  return rows;
}

/** Where something is wrong. */
class Place {
  constructor(
    private readonly file: string,
    private readonly line: number,
  ) {}

  fault(column: string, was: string, allowed: string): Error {
    const shown = was.length > SHOWN_CHARACTERS ? `${was.slice(0, SHOWN_CHARACTERS)}...` : was;
    const where = `line ${this.line}, column ${column}`;
    return new Error(`MARKET_REPLAY_FILE ${this.file}, ${where}: was "${shown}"; ${allowed}`);
  }
}

function checkHeader(record: readonly string[], file: string): void {
  const wrong = COLUMNS.findIndex((column, at) => record[at] !== column);
  const at = wrong >= 0 ? wrong : COLUMNS.length;
  if (wrong < 0 && record.length === COLUMNS.length) return;
  const allowed = `the first line must be ${COLUMNS.join(',')}`;
  throw new Place(file, 1).fault(String(at + 1), record[at] ?? '', allowed);
}

function readRow(
  record: readonly string[],
  place: Place,
  knows: KnowsSymbol,
  before: Date | null,
): ReplayRow {
  if (record.length > COLUMNS.length) {
    const allowed = `a line has ${COLUMNS.length} columns: ${COLUMNS.join(',')}`;
    throw place.fault(String(COLUMNS.length + 1), record[COLUMNS.length]!, allowed);
  }
  const [time = '', symbol = '', price = '', size = ''] = record;
  const at = new Date(TIME.test(time) ? time : Number.NaN);
  if (Number.isNaN(at.getTime())) throw place.fault('time', time, TIME_HINT);
  if (before !== null && at < before) {
    const allowed = `it must not be before the line above it, ${before.toISOString()}`;
    throw place.fault('time', time, allowed);
  }
  if (!knows(symbol)) {
    throw place.fault('symbol', symbol, 'it must be one of the assets (GET /v2/assets)');
  }
  return {
    time: at,
    symbol,
    price: readAmount(place, 'price', price, PRICE_SCALE),
    size: readAmount(place, 'size', size, QTY_SCALE),
  };
}

function readAmount(place: Place, column: Column, text: string, scale: number): bigint {
  let amount: bigint;
  try {
    amount = parseDecimal(text, scale);
  } catch (error) {
    throw place.fault(column, text, `it ${(error as Error).message}`);
  }
  if (amount <= 0n) throw place.fault(column, text, 'it must be greater than 0');
  return amount;
}
