import Joi from 'joi';
import { addressList } from './http/client-address.js';

/** What stands before the API. */
export interface ProxyConfig {
  /** Addresses and networks of the proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
}

/** After validation: defaults filled in. */
export interface ProxySettings {
  TRUSTED_PROXIES: string;
}

export const proxySettings: Joi.StrictSchemaMap<ProxySettings> = {
  TRUSTED_PROXIES: Joi.string().allow('').default(''),
};

/** @throws Error for what is neither an address nor a network */
export function proxyConfigOf(text: string, items: readonly string[]): ProxyConfig {
  try {
    addressList(items);
  } catch (error) {
    throw new Error(
      `TRUSTED_PROXIES was "${text}": ${(error as Error).message}. ` +
        'Allowed: a comma-separated list of addresses and networks',
      { cause: error },
    );
  }
  return { trustedProxies: items };
}
