import type { Knex } from 'knex';
import type { Actor } from '../audit/record.js';
import { DomainError, unauthenticated } from '../errors.js';
import { Client } from '../identity/model.js';
import { mayLogIn, type PasswordLogin } from '../identity/password-login.js';
import {
  findLoginChallenge,
  openLoginChallenge,
  useChallenge,
  type Challenge,
} from '../mfa/challenges.js';
import type { FactorAnswer, FactorMethod, SecondFactors } from '../mfa/second-factors.js';
import { findTrustedDevice } from './devices.js';
import { openSession, type OpenedSession } from './open-session.js';

export interface LoginDeps {
  readonly knex: Knex;
  readonly passwords: PasswordLogin;
  readonly factors: SecondFactors;
  readonly nudgeNotifications: () => void;
  readonly now: () => Date;
}

export interface LoginRequest {
  readonly email: string;
  readonly password: string;
  /** A second factor at once: a code of an app, of a mail, or for recovery. */
  readonly otp: string | null;
  /** Of a device that was trusted earlier. */
  readonly deviceToken: string | null;
  readonly trustDevice: boolean;
}

/** The second step of a login. */
export interface SecondStep {
  readonly mfaToken: string;
  readonly answer: FactorAnswer;
  readonly trustDevice: boolean;
}

/** Logging in: password, and a second factor where one is set up or required (UC-02). */
export class Login {
  constructor(private readonly deps: LoginDeps) {}

  /**
   * @throws DomainError 401 when the password is wrong; 401 with `mfa_required`, `mfa_token` and
   *   `methods` when a second factor is needed; 403 for a client who may not use the house; 429
   */
  async start(request: LoginRequest, by: Actor): Promise<OpenedSession> {
    const { knex, passwords, factors, now } = this.deps;
    const client = await passwords.check(request.email, request.password, by);
    const trusted =
      request.deviceToken === null
        ? undefined
        : await findTrustedDevice(knex, client.id, request.deviceToken, now());
    if (trusted === undefined && (await factors.isNeeded(client))) {
      if (request.otp === null) throw await this.askForFactor(client);
      const proof = { challenge: null, by, now: now() };
      const factor = await factors.prove(client, { otp: request.otp }, proof);
      return await this.open(client, { by, factor, trust: request.trustDevice });
    }
    return await this.open(client, { by, factor: null, trusted, trust: false });
  }

  /** Has a code sent to who gave the right password. @throws DomainError 401, 422, 429 */
  async sendCode(mfaToken: string, by: Actor): Promise<void> {
    const { client } = await this.underWay(mfaToken);
    await this.deps.factors.sendCode(client, by, this.deps.now());
  }

  /** What a passkey of who gave the right password is to sign. @throws DomainError 401, 422 */
  async requestPasskey(mfaToken: string) {
    const { challenge } = await this.underWay(mfaToken);
    return await this.deps.factors.requestPasskey(challenge);
  }

  /** @throws DomainError 401 for a wrong answer or an old token, 429 after three wrong answers */
  async finish({ mfaToken, answer, trustDevice }: SecondStep, by: Actor): Promise<OpenedSession> {
    const { challenge, client } = await this.underWay(mfaToken);
    const proof = { challenge, by, now: this.deps.now() };
    const factor = await this.deps.factors.prove(client, answer, proof);
    return await this.open(client, { by, factor, trust: trustDevice, challenge });
  }

  private async open(
    client: Client,
    options: {
      by: Actor;
      factor: FactorMethod | null;
      trusted?: Awaited<ReturnType<typeof findTrustedDevice>>;
      trust: boolean;
      challenge?: Challenge;
    },
  ): Promise<OpenedSession> {
    const { knex, now, nudgeNotifications } = this.deps;
    const { challenge, trusted, ...rest } = options;
    const opened = await knex.transaction(async (trx) => {
      if (challenge && !(await useChallenge(trx, challenge.id, now()))) throw loginOver();
      return await openSession(trx, client, { ...rest, trusted, now: now() });
    });
    if (opened.hasMail) nudgeNotifications();
    return opened;
  }

  private async askForFactor(client: Client): Promise<DomainError> {
    const { knex, factors, now } = this.deps;
    const { token } = await openLoginChallenge(knex, client.id, now());
    return new DomainError('unauthenticated', 40110000, 'A second factor is needed', {
      mfa_required: true,
      mfa_token: token,
      methods: await factors.methodsOf(client.id),
    });
  }

  private async underWay(mfaToken: string): Promise<{ challenge: Challenge; client: Client }> {
    const { knex, now } = this.deps;
    const challenge = await findLoginChallenge(knex, mfaToken, now());
    const client = challenge && (await Client.query(knex).findById(challenge.clientId));
    if (!challenge || !client || !mayLogIn(client)) throw loginOver();
    return { challenge, client };
  }
}

const loginOver = () =>
  unauthenticated('This login is over: mfa_token was used or has expired; log in again');
