/** Where our pages are: a passkey works there and nowhere else (WebAuthn, relying party). */
export interface RelyingParty {
  /** A domain, such as `brokerx.example`. */
  readonly id: string;
  /** Origins of it, such as `https://app.brokerx.example`. */
  readonly origins: readonly string[];
}

/**
 * All origins must be of one domain (WebAuthn, relying party identifier).
 * @param origins as in WEBAUTHN_ORIGINS; the first one names the domain
 * @throws Error that says what was wrong
 */
export function relyingParty(origins: readonly string[]): RelyingParty {
  const urls = origins.map((origin) => (URL.canParse(origin) ? new URL(origin) : null));
  const id = urls[0]?.hostname ?? '';
  const isOurs = (url: URL | null) =>
    url !== null && (url.hostname === id || url.hostname.endsWith(`.${id}`));
  if (urls.every((url, at) => isOurs(url) && url!.origin === origins[at])) return { id, origins };
  throw new Error(
    `WEBAUTHN_ORIGINS was "${origins.join(',')}": it must be a list of origins such as ` +
      'https://brokerx.example,https://app.brokerx.example; the first one names the domain',
  );
}
