import type { RegistrationResponseJSON } from '@simplewebauthn/server';
import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { invalid, notFound, unauthenticated } from '../errors.js';
import { newId } from '../ids.js';
import { Client } from '../identity/model.js';
import type { Sealer } from '../identity/sealer.js';
import { notify } from '../notifications/notify.js';
import { endSessions } from '../sessions/end-sessions.js';
import { noteStepUp } from '../sessions/step-up.js';
import {
  findSessionChallenge,
  keepWebauthnChallenge,
  openSessionChallenge,
  takeWebauthnChallenge,
} from './challenges.js';
import { factorsOf, SecondFactor } from './model.js';
import { addPasskey, passkeyCreation } from './passkeys.js';
import { countRecoveryCodes, makeRecoveryCodes } from './recovery-codes.js';
import type { RelyingParty } from './relying-party.js';
import { AMR } from './second-factors.js';
import { addTotp, proveTotp, type NewTotp } from './totp.js';

export interface EnrolmentDeps {
  readonly knex: Knex;
  readonly sealer: Sealer;
  readonly party: RelyingParty;
  readonly nudgeNotifications: () => void;
  readonly now: () => Date;
}

/** Who sets something up, in which session. */
export interface Owner {
  readonly clientId: string;
  readonly sessionId: string;
  readonly by: Actor;
}

/** A factor that counts from now on. */
export interface AddedFactor {
  readonly factor: SecondFactor;
  /** With the first factor; null when there are some already. */
  readonly recoveryCodes: string[] | null;
}

/** One more is no safer, and every login reads all of them. */
const PASSKEYS_MAX = 10;

/**
 * Setting up and taking away second factors. Every change ends the client's other sessions, is told
 * and audited.
 */
export class Enrolment {
  constructor(private readonly deps: EnrolmentDeps) {}

  startTotp({ clientId }: Owner): Promise<NewTotp> {
    const { knex, sealer, now } = this.deps;
    return knex.transaction(async (trx) =>
      addTotp(trx, sealer, await this.lockClient(trx, clientId), now()),
    );
  }

  /** @throws DomainError 404 when none was started, 401 for a wrong code */
  async confirmTotp(owner: Owner, code: string): Promise<AddedFactor> {
    const { sealer, now } = this.deps;
    return await this.change(owner, 'An authenticator app was set up.', async (trx, client) => {
      const waiting = await SecondFactor.query(trx)
        .findOne({ client_id: client.id, kind: 'totp' })
        .whereNull('confirmed_at');
      if (!waiting) throw notFound('authenticator app that waits for its first code');
      const proof = await proveTotp(trx, sealer, waiting, { code, now: now() });
      if (proof !== 'right') throw unauthenticated('The code is wrong');
      await SecondFactor.query(trx)
        .where({ client_id: client.id, kind: 'totp' })
        .whereNotNull('confirmed_at')
        .delete();
      await noteStepUp(trx, owner.sessionId, AMR.totp, now());
      const confirmed = { confirmedAt: now() };
      return await this.added(
        trx,
        owner,
        await SecondFactor.query(trx).patchAndFetchById(waiting.id, confirmed),
      );
    });
  }

  async addEmail(owner: Owner): Promise<AddedFactor> {
    const { now } = this.deps;
    const said = 'Every login asks for a code by mail from now on.';
    return await this.change(owner, said, async (trx, client) => {
      const existing = (await factorsOf(trx, client.id)).find(({ kind }) => kind === 'email');
      if (existing) throw invalid('Codes by mail are set up already');
      const factor = await SecondFactor.query(trx).insertAndFetch({
        id: newId(),
        clientId: client.id,
        kind: 'email',
        label: client.email,
        createdAt: now(),
        confirmedAt: now(),
      });
      return await this.added(trx, owner, factor);
    });
  }

  /** What a browser is to make. */
  async startPasskey({ clientId, sessionId }: Owner) {
    const { knex, party, now } = this.deps;
    return await knex.transaction(async (trx) => {
      const client = await this.lockClient(trx, clientId);
      const options = await passkeyCreation(party, client, await passkeysOf(trx, clientId));
      const purpose = 'new_passkey';
      const challenge = await openSessionChallenge(trx, { clientId, sessionId, purpose }, now());
      await keepWebauthnChallenge(trx, challenge, options.challenge);
      return options;
    });
  }

  /** @throws DomainError 422 when it does not answer the challenge, or there are ten */
  async addPasskey(
    owner: Owner,
    response: RegistrationResponseJSON,
    label: string,
  ): Promise<AddedFactor> {
    const { knex, party, now } = this.deps;
    const challenge = await findSessionChallenge(knex, owner.sessionId, 'new_passkey', now());
    const expected =
      challenge && (await knex.transaction((trx) => takeWebauthnChallenge(trx, challenge)));
    if (!expected) throw invalid('First ask for a challenge: POST /v2/mfa/passkeys/challenge');
    return await this.change(owner, `A passkey was added: ${label}.`, async (trx, client) => {
      if ((await passkeysOf(trx, client.id)).length >= PASSKEYS_MAX) {
        throw invalid(`There are ${PASSKEYS_MAX} passkeys already; take one away first`);
      }
      const made = { response, challenge: expected, label, now: now() };
      return await this.added(trx, owner, await addPasskey(trx, party, client, made));
    });
  }

  async renewRecoveryCodes(owner: Owner): Promise<string[]> {
    const { sealer, now } = this.deps;
    return await this.change(owner, 'New recovery codes were made.', async (trx, client) => {
      const codes = await makeRecoveryCodes(trx, sealer, client.id, now());
      const subject = { client_id: client.id };
      await recordAct(trx, owner.by, { action: 'recovery_codes.made', subject });
      return codes;
    });
  }

  /** @throws DomainError 404 when it is not there, or another client's */
  async remove(owner: Owner, factorId: string): Promise<void> {
    await this.change(owner, 'A second factor was taken away.', async (trx, client) => {
      const factors = await factorsOf(trx, client.id);
      const factor = factors.find(({ id }) => id === factorId);
      if (!factor) throw notFound('second factor');
      await SecondFactor.query(trx).deleteById(factorId);
      if (factors.length === 1)
        await trx('recovery_codes').where({ client_id: client.id }).delete();
      await recordAct(trx, owner.by, {
        action: 'second_factor.removed',
        subject: { client_id: client.id, factor_id: factorId },
        before: { kind: factor.kind, label: factor.label },
      });
    });
  }

  private async added(
    trx: Knex.Transaction,
    { clientId, by }: Owner,
    factor: SecondFactor,
  ): Promise<AddedFactor> {
    const { sealer, now } = this.deps;
    const hasCodes = (await countRecoveryCodes(trx, clientId)) > 0;
    const recoveryCodes = hasCodes ? null : await makeRecoveryCodes(trx, sealer, clientId, now());
    await recordAct(trx, by, {
      action: 'second_factor.added',
      subject: { client_id: clientId, factor_id: factor.id },
      after: { kind: factor.kind, label: factor.label },
    });
    return { factor, recoveryCodes };
  }

  private async change<T>(
    { clientId, sessionId, by }: Owner,
    said: string,
    work: (trx: Knex.Transaction, client: Client) => Promise<T>,
  ): Promise<T> {
    const { knex, now, nudgeNotifications } = this.deps;
    const result = await knex.transaction(async (trx) => {
      const client = await this.lockClient(trx, clientId);
      const done = await work(trx, client);
      const reason = 'second_factor_changed';
      await endSessions(trx, clientId, { by, reason, now: now(), except: sessionId });
      const data = { at: now().toISOString(), ip: by.ip, device: by.userAgent, detail: said };
      await notify(trx, { clientId, event: 'security.second_factor_changed', data });
      return done;
    });
    nudgeNotifications();
    return result;
  }

  /** One change after the other: two at once could both be the first, or leave eleven passkeys. */
  private async lockClient(trx: Knex.Transaction, clientId: string): Promise<Client> {
    return (await Client.query(trx).findById(clientId).forNoKeyUpdate())!;
  }
}

const passkeysOf = async (knex: Knex, clientId: string): Promise<SecondFactor[]> =>
  (await factorsOf(knex, clientId)).filter(({ kind }) => kind === 'webauthn');
