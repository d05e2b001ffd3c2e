import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { DomainError, unauthenticated } from '../errors.js';
import { notActive } from './api-keys.js';
import { normalizeEmail } from './email-address.js';
import { LoginLimit } from './login-limit.js';
import { Client } from './model.js';
import { verifyPassword } from './passwords.js';

/** The first step of logging in: e-mail and password. */
export class PasswordLogin {
  private readonly limit: LoginLimit;

  constructor(private readonly knex: Knex) {
    this.limit = new LoginLimit(knex);
  }

  /**
   * Who has this e-mail address and this password. Every refusal is audited.
   * @throws DomainError 401 when wrong, 403 for a client who may not use the house, 429 after 10
   *   failures of an account from one address
   */
  async check(email: string, password: string, by: Actor): Promise<Client> {
    const address = normalizeEmail(email);
    const client = await Client.query(this.knex)
      .findOne({ email: address })
      .whereNot('status', 'closed');
    try {
      const turn = this.limit.turn(address, by.ip ?? '');
      if (!(await verifyPassword(password, client?.passwordHash ?? null, turn)) || !client) {
        throw unauthenticated('The e-mail address or the password is wrong');
      }
      if (!mayLogIn(client)) throw notActive(client.status);
      return client;
    } catch (error) {
      if (error instanceof DomainError) await this.recordRefusal(by, client, error);
      throw error;
    }
  }

  /** Without the address that was typed in: people type passwords there. */
  private async recordRefusal(
    by: Actor,
    client: Client | undefined,
    { kind, message }: DomainError,
  ): Promise<void> {
    if (kind === 'unavailable') return;
    const subject = { client_id: client?.id ?? null };
    await recordAct(this.knex, by, { action: 'login.refused', subject, reason: message });
  }
}

/** Somebody whose address is confirmed may log in to bring what is missing for the review. */
export const mayLogIn = ({ status, emailVerifiedAt }: Client): boolean =>
  status === 'active' || (status === 'pending' && emailVerifiedAt !== null);
