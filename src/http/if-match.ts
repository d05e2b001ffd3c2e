import type { Context } from 'koa';
import { invalid } from '../errors.js';

const ETAG = /^(?:W\/)?"?(\d{1,9})"?$/;

/**
 * The version that `If-Match` names, or null when any will do (no such header, or `*`).
 * @throws DomainError 422 when it is no version of ours
 */
export function ifMatch(ctx: Context): number | null {
  const given = ctx.req.headers['if-match']?.trim();
  if (given === undefined || given === '*') return null;
  const version = ETAG.exec(given)?.[1];
  if (version === undefined) {
    throw invalid(`If-Match was ${given.slice(0, 40)}; it must be an ETag of ours such as "3"`, {
      field: 'If-Match',
    });
  }
  return Number(version);
}
