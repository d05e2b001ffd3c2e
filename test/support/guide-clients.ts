import { createPerson, type Api } from './api.js';
import { sessionOf } from './session.js';
import { documentBody, lastMailTo, pendingPerson, secretsOf, signedUp } from './sign-ups.js';
import type { Trading } from './trading.js';

/** What the guide's variables about clients stand for. */
export async function prepareClients(trading: Trading, api: Api): Promise<Record<string, string>> {
  const waiting = await pendingPerson(trading);
  const body = documentBody();
  const theirs = await sessionOf(trading, api, waiting);
  await api.call('POST', '/v2/clients/me/documents', { headers: theirs, body });
  return {
    VERIFY_TOKEN: await verifyToken(trading, api),
    LINK_TOKEN: await verifyToken(trading, api),
    RESET_TOKEN: await resetToken(trading, api),
    EMAIL_TOKEN: await emailToken(trading, api),
    APPLICANT_ID: waiting.id,
  };
}

const tokenTo = async (trading: Trading, email: string): Promise<string> =>
  secretsOf(await lastMailTo(trading, email)).token;

async function verifyToken(trading: Trading, api: Api): Promise<string> {
  const { email } = await signedUp(trading, api, { verified: false });
  return await tokenTo(trading, email);
}

async function resetToken(trading: Trading, api: Api): Promise<string> {
  const { email } = await createPerson(trading);
  await api.call('POST', '/v2/clients/password/forgot', { body: { email } });
  return await tokenTo(trading, email);
}

async function emailToken(trading: Trading, api: Api): Promise<string> {
  const person = await createPerson(trading);
  const headers = await sessionOf(trading, api, person, { steppedUp: true });
  const email = `new-${person.email}`;
  await api.call('POST', '/v2/clients/me/email', { headers, body: { email } });
  return await tokenTo(trading, email);
}
