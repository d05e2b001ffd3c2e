import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { unauthenticated } from '../errors.js';
import { STEP_UP_MS } from '../http/step-up.js';
import { Client } from '../identity/model.js';
import { findSessionChallenge, openSessionChallenge } from '../mfa/challenges.js';
import { AMR, type FactorAnswer, type SecondFactors } from '../mfa/second-factors.js';
import { Session } from './model.js';

export interface StepUpDeps {
  readonly knex: Knex;
  readonly factors: SecondFactors;
  readonly now: () => Date;
}

export interface SteppingUp {
  readonly clientId: string;
  readonly sessionId: string;
  readonly by: Actor;
}

/** A second factor within a session, for what needs one lately (UC-02). */
export class StepUp {
  constructor(private readonly deps: StepUpDeps) {}

  /** @throws DomainError 422 to who has other factors, 429 */
  async sendCode({ clientId, by }: SteppingUp): Promise<void> {
    await this.deps.factors.sendCode(await this.client(clientId), by, this.deps.now());
  }

  /** What a passkey is to sign. @throws DomainError 422 to who has none */
  async requestPasskey({ clientId, sessionId }: SteppingUp) {
    const { knex, factors, now } = this.deps;
    const challenge = await knex.transaction((trx) =>
      openSessionChallenge(trx, { clientId, sessionId, purpose: 'step_up' }, now()),
    );
    return await factors.requestPasskey(challenge);
  }

  /**
   * @returns until when it counts
   * @throws DomainError 401 for a wrong answer or a session that has ended, 429 after three
   */
  async prove({ clientId, sessionId, by }: SteppingUp, answer: FactorAnswer): Promise<Date> {
    const { knex, factors, now } = this.deps;
    const challenge = await findSessionChallenge(knex, sessionId, 'step_up', now());
    const client = await this.client(clientId);
    const proof = { challenge: challenge ?? null, by, now: now() };
    const factor = await factors.prove(client, answer, proof);
    await knex.transaction(async (trx) => {
      await noteStepUp(trx, sessionId, AMR[factor], now());
      const subject = { client_id: clientId, session_id: sessionId };
      await recordAct(trx, by, { action: 'session.stepped_up', subject, after: { factor } });
    });
    return new Date(now().getTime() + STEP_UP_MS);
  }

  private async client(clientId: string): Promise<Client> {
    return (await Client.query(this.deps.knex).findById(clientId))!;
  }
}

/** @throws DomainError 401 when the session has ended */
export async function noteStepUp(
  trx: Knex.Transaction,
  sessionId: string,
  method: string,
  now: Date,
): Promise<void> {
  const session = await Session.query(trx).findById(sessionId).whereNull('ended_at').forUpdate();
  if (!session) throw unauthenticated('The session has ended');
  const methods = [...new Set([...session.methods, method, 'mfa'])];
  await Session.query(trx).findById(sessionId).patch({ steppedUpAt: now, methods });
}
