import type { Config } from '../config.js';
import type { Database } from '../db.js';
import { ApiKeys } from './api-keys.js';
import { BasicAuth } from './basic-auth.js';
import { LoginLimit } from './login-limit.js';
import { Revocations } from './revocations.js';
import { createSessions, type Sessions } from './sessions.js';

/** Everything that recognises callers. */
export interface Identity {
  readonly apiKeys: ApiKeys;
  readonly sessions: Sessions;
  readonly basicAuth: BasicAuth;
  /** Starts reading revocations; until then, and without it, remembered keys stay valid. */
  start(): Promise<void>;
  stop(): void;
  /** Calls back with the keys and clients revoked lately, while it is started. */
  onRevoked(listener: (ids: ReadonlySet<string>) => void): void;
}

/** @param onError told when revocations could not be read; the next attempt looks further back */
export function createIdentity(
  db: Database,
  { jwtSecret }: Pick<Config, 'jwtSecret'>,
  onError: (error: unknown) => void,
): Identity {
  const revocations = new Revocations(db, onError);
  const apiKeys = new ApiKeys(db, revocations);
  const loginLimit = new LoginLimit();
  const sessions = createSessions({ knex: db.knex, jwtSecret, loginLimit, revocations });
  return {
    apiKeys,
    sessions,
    basicAuth: new BasicAuth({ apiKeys, sessions, revocations }),
    start: () => revocations.start(),
    stop: () => revocations.stop(),
    onRevoked: (listener) => revocations.onRevoked(listener),
  };
}
