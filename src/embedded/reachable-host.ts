import type { Config } from '../config.js';

/** An address to connect to, where the setting means "all of them". */
export function reachableHost({ host }: Pick<Config, 'host'>): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
