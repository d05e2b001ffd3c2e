import { idempotencyHeaders } from '../http/idempotency.js';
import type { Operation } from '../http/operation.js';
import { changePasswordSchema, codeSchema, resetSchema, tokenSchema } from './credential-schema.js';
import { mailedSchema, SAYS_NOTHING } from './docs.js';
import { emailSchema } from './schema.js';

const tag = 'Clients';
const open = { tag, access: 'public', headers: idempotencyHeaders } as const;
const person = { tag, access: 'person' } as const;
const STEP_UP = 'Needs a second factor within the last 5 minutes.';
const MAILED = { 202: { description: 'Accepted', schema: mailedSchema } };
const CHANGED = { 204: { description: 'It is changed' } };

export const credentialOperations: readonly Operation[] = [
  {
    ...open,
    method: 'post',
    path: '/v2/clients/password/forgot',
    summary: 'Ask for a new password',
    description: `A mail brings a code and a link, four times an hour at most. ${SAYS_NOTHING}`,
    body: emailSchema,
    responses: MAILED,
  },
  {
    ...open,
    method: 'post',
    path: '/v2/clients/password/reset',
    summary: 'Choose a new password',
    description:
      'With the address and the code, or the token of the link. Either works once and for an hour; ' +
      'five wrong codes end it, a bad password does not. All sessions of the client end.',
    body: resetSchema,
    responses: CHANGED,
  },
  {
    ...person,
    method: 'put',
    path: '/v2/clients/me/password',
    summary: 'Change your password',
    description: `${STEP_UP} Your other sessions end.`,
    body: changePasswordSchema,
    responses: CHANGED,
    problems: [404],
  },
  {
    ...person,
    method: 'post',
    path: '/v2/clients/me/email',
    summary: 'Ask for another e-mail address',
    description:
      `${STEP_UP} A code goes to the new address and a notice to the old one, which stays until the ` +
      'new one is confirmed.',
    headers: idempotencyHeaders,
    body: emailSchema,
    responses: MAILED,
    problems: [404],
  },
  {
    ...person,
    method: 'post',
    path: '/v2/clients/me/email/confirm',
    summary: 'Confirm the new address with its code',
    headers: idempotencyHeaders,
    body: codeSchema,
    responses: CHANGED,
    problems: [409],
  },
  {
    ...open,
    method: 'post',
    path: '/v2/clients/email/confirm',
    summary: 'Confirm the new address with its link',
    body: tokenSchema,
    responses: CHANGED,
    problems: [409],
  },
];
