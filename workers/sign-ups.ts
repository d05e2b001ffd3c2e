import type { SignUpJobDeps } from '../src/clients/sign-up-jobs.js';
import type { Container } from '../src/container.js';
import { OneTimeCodes } from '../src/identity/one-time-codes.js';

/** What reminders and the expiry of sign-ups need of the container. */
export const signUpJobDeps = ({ config, db, sealer, nudges }: Container): SignUpJobDeps => ({
  knex: db.knex,
  sealer,
  codes: new OneTimeCodes(sealer),
  publicUrl: config.publicUrl,
  expiresDays: config.signUpExpiresDays,
  nudgeNotifications: () => nudges.notifications(),
});
