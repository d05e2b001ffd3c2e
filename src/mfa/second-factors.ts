import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { DomainError, invalid, unauthenticated } from '../errors.js';
import { AttemptLimit } from '../identity/attempt-limit.js';
import type { Client } from '../identity/model.js';
import type { OneTimeCodes } from '../identity/one-time-codes.js';
import type { Role } from '../identity/principal.js';
import type { Sealer } from '../identity/sealer.js';
import { enqueueMail } from '../notifications/mails.js';
import { DELIVERABLE } from '../notifications/undeliverable.js';
import { keepWebauthnChallenge, takeWebauthnChallenge, type Challenge } from './challenges.js';
import { factorsOf, type SecondFactor } from './model.js';
import { passkeyRequest, provePasskey } from './passkeys.js';
import { countRecoveryCodes, RECOVERY_CODE, useRecoveryCode } from './recovery-codes.js';
import type { RelyingParty } from './relying-party.js';
import { proveTotp, TOTP_CODE } from './totp.js';

/** How somebody can prove who they are, besides the password. */
export type FactorMethod = 'totp' | 'webauthn' | 'email' | 'recovery_code';

/** What somebody proves it with: a code of any kind, or a passkey's signature. */
export type FactorAnswer =
  | { readonly otp: string; readonly webauthn?: undefined }
  | { readonly otp?: undefined; readonly webauthn: AuthenticationResponseJSON };

/** Authentication method references of RFC 8176, as sessions show them. */
export const AMR: Readonly<Record<FactorMethod, string>> = {
  totp: 'otp',
  webauthn: 'hwk',
  email: 'otp',
  recovery_code: 'kba',
};

export interface SecondFactorsDeps {
  readonly knex: Knex;
  readonly sealer: Sealer;
  readonly codes: OneTimeCodes;
  readonly party: RelyingParty;
  /** Roles that never log in without a second factor. */
  readonly requiredRoles: readonly Role[];
  readonly nudgeNotifications: () => void;
}

type Outcome = FactorMethod | 'wrong' | 'used';

/** The brief (UC-02): three failures are a lock for a while. */
const ATTEMPTS = 3;
const LOCK_SECONDS = 15 * 60;

/** Asks for second factors and checks them. */
export class SecondFactors {
  private readonly limit: AttemptLimit;

  constructor(private readonly deps: SecondFactorsDeps) {
    this.limit = new AttemptLimit(deps.knex, {
      name: 'second-factor',
      attempts: ATTEMPTS,
      seconds: LOCK_SECONDS,
      refusal: 'Too many wrong codes; try again later',
    });
  }

  /** Whether a login needs more than the password. */
  async isNeeded(client: Client): Promise<boolean> {
    if (this.deps.requiredRoles.includes(client.role)) return true;
    return (await factorsOf(this.deps.knex, client.id)).length > 0;
  }

  /** A client who has set up nothing gets codes by mail. */
  async methodsOf(clientId: string): Promise<FactorMethod[]> {
    const kinds = (await factorsOf(this.deps.knex, clientId)).map(({ kind }) => kind);
    if (kinds.length === 0) return ['email'];
    const hasCodes = (await countRecoveryCodes(this.deps.knex, clientId)) > 0;
    return [...new Set<FactorMethod>([...kinds, ...(hasCodes ? ['recovery_code' as const] : [])])];
  }

  /** Sends a code by mail. @throws DomainError 422 to who has other factors; 429 */
  async sendCode(client: Client, by: Actor, now: Date): Promise<void> {
    const { knex, codes, sealer, nudgeNotifications } = this.deps;
    await this.requireMethod(client.id, 'email');
    await knex.transaction(async (trx) => {
      const { code, expiresAt } = await codes.issue(trx, client.id, 'second_factor', { now });
      await enqueueMail(trx, sealer, {
        kind: 'second_factor_code',
        to: client.email,
        clientId: client.id,
        data: { first_name: client.firstName },
        secret: code,
        expiresAt,
      });
      const subject = { client_id: client.id };
      await recordAct(trx, by, { action: 'second_factor.code_sent', subject });
    });
    nudgeNotifications();
  }

  /** What a browser's passkey is asked to sign. @throws DomainError 422 to who has none */
  async requestPasskey(challenge: Challenge): Promise<PublicKeyCredentialRequestOptionsJSON> {
    const { knex, party } = this.deps;
    await this.requireMethod(challenge.clientId, 'webauthn');
    const options = await passkeyRequest(party, await this.passkeysOf(challenge.clientId));
    await keepWebauthnChallenge(knex, challenge, options.challenge);
    return options;
  }

  /**
   * Checks an answer and uses it up. Attempts count before they are checked: three wrong ones lock
   * second factors for 15 minutes, whatever session or address they come from.
   * @param challenge what a passkey's answer belongs to; null when there can be none
   * @returns what it was proved with
   * @throws DomainError 401 when it is wrong or was used, 429 when it is locked
   */
  async prove(
    client: Client,
    answer: FactorAnswer,
    { challenge, by, now }: { challenge: Challenge | null; by: Actor; now: Date },
  ): Promise<FactorMethod> {
    try {
      await this.limit.count(client.id);
      const outcome = await this.deps.knex.transaction((trx) =>
        this.check(trx, client.id, answer, challenge, now),
      );
      if (outcome === 'used') await this.limit.forgive(client.id); // no guess: it was right before
      if (outcome === 'used') throw unauthenticated('This code was used already');
      if (outcome === 'wrong') throw unauthenticated('The second factor is wrong or has expired');
      await this.limit.clear(client.id);
      return outcome;
    } catch (error) {
      if (error instanceof DomainError) {
        const act = { subject: { client_id: client.id }, reason: error.message };
        await recordAct(this.deps.knex, by, { action: 'second_factor.refused', ...act });
      }
      throw error;
    }
  }

  private async check(
    trx: Knex.Transaction,
    clientId: string,
    answer: FactorAnswer,
    challenge: Challenge | null,
    now: Date,
  ): Promise<Outcome> {
    const { sealer, codes, party } = this.deps;
    const factors = await factorsOf(trx, clientId);
    if (answer.webauthn) {
      const expected = challenge && (await takeWebauthnChallenge(trx, challenge));
      if (expected === null) return 'wrong';
      const signed = { response: answer.webauthn, challenge: expected, now };
      const passkeys = factors.filter(({ kind }) => kind === 'webauthn');
      return (await provePasskey(trx, party, passkeys, signed)) ? 'webauthn' : 'wrong';
    }
    const code = answer.otp.replaceAll(/\s/g, '');
    if (TOTP_CODE.test(code)) {
      const totp = factors.find(({ kind }) => kind === 'totp');
      const proof = totp ? await proveTotp(trx, sealer, totp, { code, now }) : 'wrong';
      if (proof === 'right') return 'totp';
      const mails = factors.length === 0 || factors.some(({ kind }) => kind === 'email');
      if (mails && (await codes.redeem(trx, clientId, 'second_factor', { code, now }))) {
        await trx('clients')
          .where({ id: clientId })
          .whereNotNull('email_undeliverable_at')
          .update(DELIVERABLE); // the mail has reached its reader
        return 'email';
      }
      return proof === 'used' ? 'used' : 'wrong';
    }
    if (!RECOVERY_CODE.test(code)) return 'wrong';
    return (await useRecoveryCode(trx, sealer, clientId, { code, now }))
      ? 'recovery_code'
      : 'wrong';
  }

  private passkeysOf = async (clientId: string): Promise<SecondFactor[]> =>
    (await factorsOf(this.deps.knex, clientId)).filter(({ kind }) => kind === 'webauthn');

  private async requireMethod(clientId: string, method: FactorMethod): Promise<void> {
    const methods = await this.methodsOf(clientId);
    if (methods.includes(method)) return;
    throw invalid(`method was ${method}; this client can use ${methods.join(', ')}`);
  }
}
