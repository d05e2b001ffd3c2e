import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Finds the addresses of a name; none when it has none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

const QUERY_TIMEOUT_MS = 1_500;
const TRIES = 2;
const LOCALHOST = /(^|\.)localhost$/;
const NAT64 = ipaddr.IPv6.parse('64:ff9b::');
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');

/**
 * Asks DNS. Not the system's own look-up: that one waits in a thread of the few that files and
 * passwords need, too, so four names that nobody answers for would stop the process.
 */
export const resolveByDns: Resolve = async (host) => {
  if (LOCALHOST.test(host)) return ['127.0.0.1', '::1']; // RFC 6761: no question for DNS
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: TRIES });
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
};

/** The address that a URL's host is already, without brackets; null for a name. */
export function literalAddress(host: string): string | null {
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  return isIP(bare) === 0 ? null : bare;
}

/**
 * Whether an address belongs to the public internet, by IANA's registries of special addresses: what
 * is private, local, reserved, a multicast or a way into another network is not.
 * @param address as DNS or a URL tells it
 */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return false;
  const parsed = ipaddr.process(version === 6 ? hexadecimal(address) : address); // unwraps ::ffff:...
  if (parsed.kind() === 'ipv4') return parsed.range() === 'unicast';
  return isPublicV6(parsed as ipaddr.IPv6);
}

/** Without an IPv4 address at its end, which not every reader takes for the same: `::7f00:1`. */
const hexadecimal = (address: string): string =>
  new URL(`http://[${address}]/`).hostname.slice(1, -1);

/**
 * The whole of the public IPv6 internet is in 2000::/3, less some ranges there: tunnels, which hold an
 * IPv4 address that may be private (6to4, Teredo), documentation and the like. Of what is outside, only
 * an IPv4 address behind a NAT64 gateway (RFC 6052) can be public: a network without IPv4 sees it so.
 */
function isPublicV6(address: ipaddr.IPv6): boolean {
  if (address.match(NAT64, 96)) {
    return isPublicAddress(ipaddr.fromByteArray(address.toByteArray().slice(12)).toString());
  }
  return address.match(GLOBAL_UNICAST, 3) && address.range() === 'unicast';
}
