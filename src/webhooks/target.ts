import { isPublicAddress, literalAddress, type Resolve } from './addresses.js';

/** What an endpoint's URL may be. Both are for development. */
export interface TargetRules {
  readonly allowHttp: boolean;
  readonly allowPrivate: boolean;
}

/** A URL that we do not post to, with the reason in words for its owner. */
export class ForbiddenTarget extends Error {
  override name = 'ForbiddenTarget';
}

/** Where a message goes: the addresses are checked, and nothing else may be connected to. */
export interface Target {
  readonly url: URL;
  readonly addresses: readonly string[];
}

const URL_MAX = 2_048;
const FREE_PORTS_FROM = 1_024;
const ADDRESSES_MAX = 16;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80 };

/**
 * Checks what can be seen of a URL itself.
 * @returns it as it is posted to: an IPv4 address that was written as one number, in octal or in
 *   hexadecimal is in its usual form there
 * @throws ForbiddenTarget
 */
export function readTargetUrl(text: string, { allowHttp }: TargetRules): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || text.length > URL_MAX) throw new ForbiddenTarget('url must be a URL');
  const defaultPort = DEFAULT_PORTS[url.protocol];
  if (defaultPort === undefined || (url.protocol === 'http:' && !allowHttp)) {
    throw new ForbiddenTarget(`url must begin with https:${allowHttp ? ' or http:' : ''}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new ForbiddenTarget('url must not have a user name or password in it');
  }
  if (url.hash !== '') throw new ForbiddenTarget('url must not have a fragment (#)');
  const port = url.port === '' ? defaultPort : Number(url.port);
  if (port !== defaultPort && port < FREE_PORTS_FROM) {
    throw new ForbiddenTarget(
      `url has the port ${port}; it may be ${defaultPort} or from ${FREE_PORTS_FROM} on`,
    );
  }
  return url;
}

/**
 * Checks a URL and every address that its name has now. Whoever connects must use these addresses
 * and not ask again: the next answer may be another one (DNS rebinding).
 * @throws ForbiddenTarget
 */
export async function findTarget(
  text: string,
  rules: TargetRules,
  resolve: Resolve,
): Promise<Target> {
  const url = readTargetUrl(text, rules);
  const literal = literalAddress(url.hostname);
  const found = literal === null ? await resolve(url.hostname) : [literal];
  const addresses = found.slice(0, ADDRESSES_MAX);
  if (addresses.length === 0) {
    throw new ForbiddenTarget(`the host of url, ${url.hostname}, has no address in DNS`);
  }
  if (!rules.allowPrivate && !found.every(isPublicAddress)) {
    throw new ForbiddenTarget(
      `the host of url, ${url.hostname}, has an address that is not on the public internet`,
    );
  }
  return { url, addresses };
}
