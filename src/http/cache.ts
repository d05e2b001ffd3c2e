import { hash } from 'node:crypto';
import type { Context } from 'koa';
import type { AccountVersion } from '../accounts/version.js';
import { cacheErrors, cacheNotModified, cacheRequests } from '../metrics.js';
import {
  type CacheEntries,
  type Entry,
  entryAt,
  type EntryPlace,
  etagOf,
} from './cache-entries.js';
import type { Middleware } from './context.js';
import { RecentEntries } from './recent-entries.js';

/** How the answers of a route may be kept. */
export interface CachePolicy {
  /** Names it in keys and metrics, such as `portfolio_history`. */
  readonly name: string;
  /** Whom an answer is for: every caller whom the route lets pass, or only the caller's account. */
  readonly audience: 'everyone' | 'account';
  /** No kept answer is older than that, give or take the moment that a process keeps its own. */
  readonly ttlMs: number;
  /**
   * Of data for everyone: a text that is another one when the answer has changed. An account's answers
   * always have their version, whatever is said here.
   */
  readonly version?: (ctx: Context) => string | Promise<string>;
}

/**
 * Answers a GET from the cache, in one line of its route. It stands behind everything that may refuse
 * the caller (authentication, rate limit, scope, account) and before the validation of query and path:
 * only what was answered with 200 is kept, so what is found was valid. Of an answer nothing is kept but
 * its body: a route behind it sets no headers.
 */
export type Cached = (policy: CachePolicy) => Middleware;

/** Every request is answered by its route. */
export const notCached: Cached = () => (_ctx, next) => next();

export interface CacheDeps {
  readonly entries: CacheEntries;
  readonly accountVersion: AccountVersion;
  /** Keeps those apart who share a Redis but not a database, or not their settings. */
  readonly namespace: string;
}

/** Of a format that reads no other one's entries. */
const FORMAT = 1;
const JSON_TYPE = 'application/json; charset=utf-8'; // as Koa says of an object
/** The caller's HTTP client may keep it, and asks every time with its ETag. */
const FOR_EVERYONE = 'private, no-cache';
const BODY_MAX_BYTES = 500_000;
const NO_VERSION = '';
const PLAIN = /^[\x21-\x7e]{0,200}$/;
const FRESH = /(?:^|[\s,])(?:no-cache|no-store|max-age=0)(?:$|[\s,])/i;

export const cacheNamespace = (...parts: readonly string[]): string =>
  hash('sha256', parts.join('\n'), 'hex').slice(0, 12);

/** One cache for all routes. Its promises are in docs/adr/0007-caching.md. */
export function createCached(deps: CacheDeps): Cached {
  const shared = { ...deps, recent: new RecentEntries(), flights: new Map<string, Flight>() };
  return (policy) => {
    const route = new CachedRoute(policy, shared);
    return (ctx, next) => route.answer(ctx, next);
  };
}

/** What a route is answering at this moment; null when that cannot be kept. */
type Flight = Promise<Entry | null>;

interface Shared extends CacheDeps {
  readonly recent: RecentEntries;
  readonly flights: Map<string, Flight>;
}

type Next = () => Promise<void>;

class CachedRoute {
  private readonly hits;
  private readonly misses;
  private readonly bypasses;
  private readonly notModified;
  private readonly errors;

  constructor(
    private readonly policy: CachePolicy,
    private readonly shared: Shared,
  ) {
    const { name } = policy;
    this.hits = cacheRequests.labels(name, 'hit');
    this.misses = cacheRequests.labels(name, 'miss');
    this.bypasses = cacheRequests.labels(name, 'bypass');
    this.notModified = cacheNotModified.labels(name);
    this.errors = cacheErrors.labels(name);
    for (const counter of [this.hits, this.misses, this.bypasses, this.notModified, this.errors]) {
      counter.inc(0); // shown before the first
    }
  }

  async answer(ctx: Context, next: Next): Promise<void> {
    const key = this.keyOf(ctx);
    if (FRESH.test(ctx.req.headers['cache-control'] ?? '')) {
      this.bypasses.inc();
      return this.answerAnew(ctx, next, key);
    }
    const { version, entry } = await this.find(ctx, key);
    if (entry) {
      this.hits.inc();
      return this.send(ctx, 'HIT', entry);
    }
    this.misses.inc();
    return version === null ? next() : this.answerOnce(ctx, next, { key, version });
  }

  /** The version is read after the request came: what was acknowledged before is in it. */
  private async find(
    ctx: Context,
    key: string,
  ): Promise<{ version: string | null; entry: Entry | null }> {
    if (this.policy.audience === 'account') {
      const [version, bytes] = await Promise.all([this.versionOf(ctx), this.read(key)]);
      const entry = version !== null && bytes ? entryAt({ key, version }, bytes) : null;
      return { version, entry };
    }
    const version = (await this.versionOf(ctx)) ?? NO_VERSION;
    const place = { key, version };
    const recent = this.shared.recent.find(place);
    if (recent) return { version, entry: recent };
    const bytes = await this.read(key);
    const entry = bytes && entryAt(place, bytes);
    if (entry) this.shared.recent.keep(place, entry, this.policy.ttlMs);
    return { version, entry };
  }

  private versionOf(ctx: Context): Promise<string | null> {
    return this.policy.audience === 'account'
      ? this.shared.accountVersion(ctx.state.accountId)
      : Promise.resolve(this.policy.version?.(ctx) ?? NO_VERSION);
  }

  private read(key: string): Promise<Buffer | null> {
    return this.shared.entries.read(key).catch(() => {
      this.errors.inc();
      return null;
    });
  }

  /** For who does not want what is kept. The version comes first: it must not be the newer one. */
  private async answerAnew(ctx: Context, next: Next, key: string): Promise<void> {
    const version = await this.versionOf(ctx);
    const startedAt = performance.now();
    const entry = await run(ctx, next);
    if (!entry) return;
    this.send(ctx, 'BYPASS', entry);
    if (version !== null) void this.keep({ key, version }, entry, startedAt);
  }

  /** However many ask for the same at the same time, the route answers one of them. */
  private async answerOnce(ctx: Context, next: Next, place: EntryPlace): Promise<void> {
    const { flights } = this.shared;
    const name = `${place.key}\n${place.version}`;
    const other = flights.get(name);
    if (other) {
      const entry = await other; // its refusal is ours, too: we have asked for the same
      return entry ? this.send(ctx, 'MISS', entry) : next();
    }
    const startedAt = performance.now();
    const flight = run(ctx, next);
    flights.set(name, flight);
    try {
      const entry = await flight;
      if (!entry) return;
      this.send(ctx, 'MISS', entry);
      // Until it is kept, others who did not find it come to this flight.
      void this.keep(place, entry, startedAt).finally(() => flights.delete(name));
    } catch (error) {
      flights.delete(name);
      throw error;
    }
  }

  /** Ages what is kept by the time it took: a process that was stopped meanwhile keeps nothing old. */
  private async keep(place: EntryPlace, entry: Entry, startedAt: number): Promise<void> {
    const ttlMs = this.policy.ttlMs - (performance.now() - startedAt);
    if (ttlMs < 1 || entry.body.length > BODY_MAX_BYTES) return;
    if (this.policy.audience === 'everyone') this.shared.recent.keep(place, entry, ttlMs);
    await this.shared.entries.write(place, entry, ttlMs).catch(() => this.errors.inc());
  }

  private send(ctx: Context, how: 'HIT' | 'MISS' | 'BYPASS', { etag, body }: Entry): void {
    const { req, res } = ctx;
    res.setHeader('X-Cache', how);
    res.setHeader('ETag', etag);
    if (this.policy.audience === 'everyone') res.setHeader('Cache-Control', FOR_EVERYONE);
    const known = req.headers['if-none-match'];
    if (known !== undefined && isNamedIn(known, etag)) {
      this.notModified.inc();
      ctx.status = 304;
      return;
    }
    res.setHeader('Content-Type', JSON_TYPE);
    ctx.body = body;
  }

  /** @throws Error when the route has not found out whose account it is: a mistake of ours */
  private keyOf(ctx: Context): string {
    const { name, audience } = this.policy;
    const whose = audience === 'account' ? (ctx.state.accountId as string | undefined) : '*';
    if (!whose) throw new Error(`${name} is cached by account but its route requires none`);
    const { path, querystring } = ctx;
    const asked = querystring === '' ? path : `${path}?${inOrder(querystring)}`;
    const what = PLAIN.test(asked) ? asked : hash('sha256', asked, 'hex');
    return `brokerx:cache:${FORMAT}:${this.shared.namespace}:${name}:${whose}:${what}`;
  }
}

/** Has the route answer; null when that is not JSON with a 200. */
async function run(ctx: Context, next: Next): Promise<Entry | null> {
  await next();
  const { status, body } = ctx;
  if (status !== 200 || !isJson(body)) return null;
  const bytes = Buffer.from(JSON.stringify(body));
  return { etag: etagOf(bytes), body: bytes };
}

const isJson = (body: unknown): boolean =>
  Array.isArray(body) ||
  (typeof body === 'object' && body !== null && Object.getPrototypeOf(body) === Object.prototype);

/** Parameters by name; those of the same name keep their order, which may mean something. */
function inOrder(querystring: string): string {
  if (!querystring.includes('&')) return querystring;
  const nameOf = (parameter: string): string => parameter.split('=', 1)[0]!;
  const parameters = querystring.split('&').map((text) => ({ text, name: nameOf(text) }));
  parameters.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  return parameters.map(({ text }) => text).join('&');
}

/** By weak comparison, as RFC 9110 (13.1.2) says of If-None-Match. */
const isNamedIn = (ifNoneMatch: string, etag: string): boolean =>
  ifNoneMatch.trim() === '*' ||
  ifNoneMatch.split(',').some((one) => one.trim().replace(/^W\//, '') === etag);
