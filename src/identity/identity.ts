import type { Config } from '../config.js';
import type { Database } from '../db.js';
import { SecondFactors } from '../mfa/second-factors.js';
import { Login } from '../sessions/login.js';
import { ApiKeys } from './api-keys.js';
import { BasicAuth } from './basic-auth.js';
import { OneTimeCodes } from './one-time-codes.js';
import { PasswordLogin } from './password-login.js';
import { Revocations } from './revocations.js';
import type { Sealer } from './sealer.js';
import { createSessions, type Sessions } from './sessions.js';

/** Everything that recognises callers. */
export interface Identity {
  readonly apiKeys: ApiKeys;
  readonly sessions: Sessions;
  readonly login: Login;
  readonly factors: SecondFactors;
  readonly codes: OneTimeCodes;
  readonly basicAuth: BasicAuth;
  /** Starts reading revocations; until then, and without it, remembered keys stay valid. */
  start(): Promise<void>;
  stop(): void;
  /** Calls back with the keys, sessions and clients revoked lately, while it is started. */
  onRevoked(listener: (ids: ReadonlySet<string>) => void): void;
}

export interface IdentityDeps {
  readonly db: Database;
  readonly config: Pick<Config, 'jwtSecret' | 'webauthn' | 'mfaRequiredRoles'>;
  readonly sealer: Sealer;
  readonly nudgeNotifications: () => void;
  /** Told when revocations could not be read; the next attempt looks further back. */
  readonly onError: (error: unknown) => void;
}

export function createIdentity({
  db,
  config,
  sealer,
  nudgeNotifications,
  onError,
}: IdentityDeps): Identity {
  const { knex } = db;
  const revocations = new Revocations(db, onError);
  const apiKeys = new ApiKeys(db, revocations, onError);
  const sessions = createSessions({ knex, jwtSecret: config.jwtSecret, revocations });
  const passwords = new PasswordLogin(knex);
  const codes = new OneTimeCodes(sealer);
  const factors = new SecondFactors({
    knex,
    sealer,
    codes,
    party: config.webauthn,
    requiredRoles: config.mfaRequiredRoles,
    nudgeNotifications,
  });
  const now = () => new Date();
  return {
    apiKeys,
    sessions,
    codes,
    factors,
    login: new Login({ knex, passwords, factors, nudgeNotifications, now }),
    basicAuth: new BasicAuth({ knex, apiKeys, passwords, factors, revocations }),
    async start() {
      await revocations.start();
      apiKeys.start();
    },
    stop() {
      revocations.stop();
      apiKeys.stop();
    },
    onRevoked: (listener) => revocations.onRevoked(listener),
  };
}
