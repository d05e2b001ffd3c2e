import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, type IPVersion } from 'node:net';
import type Koa from 'koa';

/**
 * Reads a list of addresses and networks.
 * @param items such as `10.0.0.7`, `172.16.0.0/12` or `fd00::/8`
 * @throws Error that names the item that is neither
 */
export function addressList(items: readonly string[]): BlockList {
  const list = new BlockList();
  for (const item of items) {
    const [address = '', prefix, ...more] = item.split('/');
    const family = familyOf(address);
    const bits = prefix === undefined ? bitsOf(family) : Number(prefix);
    const isNetwork = family !== null && /^\d{1,3}$/.test(prefix ?? '0') && bits <= bitsOf(family);
    if (!isNetwork || more.length > 0) {
      throw new Error(`"${item}" is neither an address nor a network such as 172.16.0.0/12`);
    }
    list.addSubnet(address, bits, family);
  }
  return list;
}

/**
 * Makes `ctx.ip` the client's address also behind proxies of ours, for requests and WebSockets alike.
 * Koa's own `proxy` would believe whoever connects, proxy or not.
 * @param proxies whose `X-Forwarded-For` is believed; with none, nobody's is
 */
export function trustProxies(app: Koa, proxies: readonly string[]): void {
  if (proxies.length === 0) return;
  const trusted = addressList(proxies);
  Object.defineProperty(app.request, 'ip', {
    configurable: true,
    get(this: Koa.Request) {
      return clientAddress(this.req, trusted);
    },
  });
}

/** A request's own word on where it comes from: to be kept where its other headers are not. */
export const forwardedFor = ({ headers }: IncomingMessage): { 'x-forwarded-for'?: string } => {
  const given = headers['x-forwarded-for'];
  return typeof given === 'string' ? { 'x-forwarded-for': given } : {};
};

/**
 * Each proxy adds the address that it was asked from at the end. Read from there, the first one that is
 * no proxy of ours is the client; what stands before it, the client may have made up.
 */
function clientAddress(req: IncomingMessage, trusted: BlockList): string {
  let address = req.socket.remoteAddress ?? '';
  const hops = forwardedFor(req)['x-forwarded-for']?.split(',') ?? [];
  for (const hop of hops.map((text) => text.trim()).reverse()) {
    if (!isTrusted(trusted, address) || isIP(hop) === 0) break;
    address = hop;
  }
  return address;
}

function isTrusted(trusted: BlockList, text: string): boolean {
  const address = text.replace(/^::ffff:(?=\d+\.)/i, ''); // IPv4 on a socket of both families
  const family = familyOf(address);
  return family !== null && trusted.check(address, family);
}

function familyOf(address: string): IPVersion | null {
  const version = isIP(address);
  if (version === 0) return null;
  return version === 4 ? 'ipv4' : 'ipv6';
}

const bitsOf = (family: IPVersion | null): number => (family === 'ipv4' ? 32 : 128);
