import { badPageToken, pageToken, parsePageToken } from './page-token.js';

/** An asset that is asked about. */
export interface ListedAsset {
  readonly id: string;
  readonly symbol: string;
}

export interface PageRequest {
  /** Of all symbols together. */
  readonly limit: number;
  readonly page_token?: string;
}

/** How one kind of data is read, of one asset after the other. */
export interface SymbolData<Asset extends ListedAsset, Row, Position> {
  /** At most `limit` rows behind a position, in the order asked for. */
  readonly read: (asset: Asset, after: Position | null, limit: number) => Promise<Row[]>;
  readonly positionOf: (row: Row) => string;
  /** @returns null when the text is no position */
  readonly parsePosition: (text: string) => Position | null;
}

export interface SymbolPage<Asset, Row> {
  /** Only assets that have some of it on this page. */
  readonly found: (readonly [Asset, Row[]])[];
  readonly nextPageToken: string | null;
}

/**
 * One page of several assets' data: symbol after symbol, each in order of time, so that whoever pages
 * through sees each row once (as Alpaca does it).
 * @throws DomainError 422 for a page_token that does not belong to the request
 */
export async function readPage<Asset extends ListedAsset, Row, Position>(
  assets: readonly Asset[],
  { limit, page_token: token }: PageRequest,
  { read, positionOf, parsePosition }: SymbolData<Asset, Row, Position>,
): Promise<SymbolPage<Asset, Row>> {
  const sorted = [...assets].sort((a, b) => (a.symbol < b.symbol ? -1 : 1));
  const end = token === undefined ? null : parsePageToken(token);
  const position = end && parsePosition(end.position);
  if (end && (position === null || !sorted.some(({ symbol }) => symbol === end.symbol))) {
    throw badPageToken();
  }
  const found: [Asset, Row[]][] = [];
  let left = limit;
  let last: string | null = null;
  for (const asset of sorted) {
    if (end && asset.symbol < end.symbol) continue;
    const after = asset.symbol === end?.symbol ? position : null;
    const rows = await read(asset, after, left + 1); // one more tells whether there is a next page
    if (rows.length > left) {
      const page = rows.slice(0, left);
      if (page.length > 0) {
        found.push([asset, page]);
        last = pageToken({ symbol: asset.symbol, position: positionOf(page.at(-1)!) });
      }
      return { found, nextPageToken: last };
    }
    if (rows.length === 0) continue;
    found.push([asset, rows]);
    left -= rows.length;
    last = pageToken({ symbol: asset.symbol, position: positionOf(rows.at(-1)!) });
  }
  return { found, nextPageToken: null };
}

/** A position that is a time, as text. */
export function parseTime(text: string): Date | null {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) || time.toISOString() !== text ? null : time;
}

const SEQ = /^\d{1,18}$/;

/** A position that is the number of a trade, as text. */
export const parseSeq = (text: string): bigint | null => (SEQ.test(text) ? BigInt(text) : null);
