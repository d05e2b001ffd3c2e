import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts the few secrets that we must be able to read again, such as the key of a TOTP. */
export interface Sealer {
  /**
   * @param purpose what it is for and whose, such as `totp <id>`: it opens for nothing else
   */
  seal(text: string, purpose: string): Buffer;
  /** @throws Error when it was sealed with another key or for another purpose, or was changed */
  open(sealed: Buffer, purpose: string): string;
  /** A keyed hash of 32 bytes: for what is so short that a plain hash could be turned back. */
  fingerprint(text: string): Buffer;
}

/** @param secret SECRETS_KEY: as text, at least 32 characters */
export function createSealer(secret: string): Sealer {
  const derive = (use: string) => Buffer.from(hkdfSync('sha256', secret, '', `brokerx ${use}`, 32));
  const key = derive('sealed secrets');
  const hashKey = derive('fingerprints');
  return {
    fingerprint: (text) => createHmac('sha256', hashKey).update(text).digest(),
    seal(text, purpose) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(purpose));
      const sealed = [cipher.update(text, 'utf8'), cipher.final()];
      return Buffer.concat([nonce, cipher.getAuthTag(), ...sealed]);
    },
    open(sealed, purpose) {
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const tag = sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
      const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(purpose)).setAuthTag(tag);
      const text = decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    },
  };
}
