import type { AccountMail } from '../../src/notifications/account-mails.js';
import { newId } from '../../src/ids.js';
import type { Answer, Api } from './api.js';
import { mailsTo } from './sent-mails.js';
import type { Trading } from './trading.js';

export const GOOD_PASSWORD = 'correct horse battery staple';

let phones = 0;

/** A number that no other sign-up of this process has. */
const nextPhone = (): string => `+1202555${String(phones++).padStart(4, '0')}`;

/** A sign-up that is accepted, of somebody new. */
export const signUpBody = (change: object = {}) => ({
  email: `${newId()}@test.example`,
  phone: nextPhone(),
  password: GOOD_PASSWORD,
  first_name: 'Ada',
  last_name: 'Lovelace',
  date_of_birth: '1990-12-10',
  address: { street: '1 Main St', city: 'Springfield', postal_code: '12345', country: 'US' },
  ...change,
});

/** The code and the token of a mail. */
export function secretsOf(mail: AccountMail | undefined): { code: string; token: string } {
  const [code = '', token = ''] = (mail?.secret ?? '').split(' ');
  if (!/^\d{6}$/.test(code) || token.length !== 43) throw new Error('this mail has no code');
  return { code, token };
}

/** Another code than this one. */
export const otherCode = (code: string): string =>
  String((Number(code) + 1) % 1_000_000).padStart(6, '0');

export const lastMailTo = async (
  trading: Trading,
  address: string,
): Promise<AccountMail | undefined> => (await mailsTo(trading, address)).at(-1);

/** Signs somebody up, and confirms the address if asked to. */
export async function signedUp(
  trading: Trading,
  api: Api,
  { change = {}, verified = true }: { change?: object; verified?: boolean } = {},
): Promise<{ id: string; email: string; phone: string }> {
  const body = signUpBody(change);
  const answer: Answer = await api.call('POST', '/v2/clients', { body });
  if (answer.status !== 202) throw new Error(JSON.stringify(answer.body));
  const { code } = secretsOf(await lastMailTo(trading, body.email));
  if (verified) await api.call('POST', '/v2/clients/verify', { body: { email: body.email, code } });
  const { id } = await trading.container.db
    .knex('clients')
    .where({ email: body.email })
    .whereNot({ status: 'closed' })
    .first<{ id: string }>('id');
  return { id, email: body.email, phone: body.phone };
}

/** What a document of somebody's is told to be. */
export const documentBody = (change: object = {}) => ({
  kind: 'passport',
  sha256: newId().replaceAll('-', '').repeat(2),
  file_name: 'passport.pdf',
  content_type: 'application/pdf',
  size: 120_000,
  issuing_country: 'US',
  document_number: 'C01X00T47',
  expires_on: '2035-01-31',
  ...change,
});

/** Somebody whose address is confirmed, and about whom compliance has to decide. */
export async function pendingPerson({
  container,
}: Pick<Trading, 'container'>): Promise<{ id: string; email: string }> {
  const id = newId();
  const email = `${id}@test.example`;
  await container.db.knex('clients').insert({
    id,
    email,
    first_name: 'Grace',
    last_name: 'Hopper',
    status: 'pending',
    email_verified_at: new Date(),
    updated_at: new Date(0),
  });
  return { id, email };
}
