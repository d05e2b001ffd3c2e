import { invalid } from '../errors.js';

/** Where a page of several symbols' data ended. */
export interface PageEnd {
  readonly symbol: string;
  /** Within the symbol's data, such as a time. */
  readonly position: string;
}

const SEPARATOR = '|';
const TOKEN = /^([A-Z0-9./]+)\|([\w:.-]+)$/;

/** The `next_page_token` of a page: opaque to clients. */
export const pageToken = ({ symbol, position }: PageEnd): string =>
  Buffer.from(symbol + SEPARATOR + position).toString('base64url');

/** @throws DomainError 422 when it is none of ours */
export function parsePageToken(token: string): PageEnd {
  const [, symbol, position] = TOKEN.exec(Buffer.from(token, 'base64').toString()) ?? [];
  if (symbol === undefined || position === undefined) throw badPageToken();
  return { symbol, position };
}

export const badPageToken = () =>
  invalid("page_token must be the last answer's next_page_token, for the same request", {
    errors: [{ field: 'page_token', message: "must be the last answer's next_page_token" }],
  });
