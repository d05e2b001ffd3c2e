import Joi from 'joi';
import { idempotencyHeaders } from '../http/idempotency.js';
import { answerSchema, timeText, uuidText, type Operation } from '../http/operation.js';
import { ROLES } from '../identity/principal.js';
import { addDocumentSchema, DOCUMENT_KINDS } from './document-schema.js';
import { pageParamsSchema } from './page-routes.js';
import { changeDetailsSchema, emailSchema, signUpSchema, verifySchema } from './schema.js';
import { tokenSchema } from './credential-schema.js';

const text = Joi.string();
const orNull = (schema: Joi.Schema) => schema.allow(null);
const dateOnly = Joi.string().pattern(/^\d{4}-\d\d-\d\d$/);

const addressSchema = answerSchema('Address', {
  street: text,
  city: text,
  region: orNull(text),
  postal_code: text,
  country: text.description('ISO 3166 alpha-2'),
});

export const clientSchema = answerSchema('Client', {
  id: uuidText,
  email: text,
  email_verified_at: orNull(timeText),
  email_undeliverable_at: orNull(timeText).description(
    'Since when a mail server says that there is no such mailbox: only codes are sent there. Null ' +
      'again once the address is confirmed anew, as by a code to choose a new password, or changed',
  ),
  email_undeliverable_reason: orNull(text).description('What the mail server said'),
  phone: orNull(text).description('E.164'),
  first_name: text,
  last_name: text,
  date_of_birth: orNull(dateOnly),
  address: addressSchema.allow(null),
  role: text.valid(...ROLES),
  status: text.valid('pending', 'active', 'suspended', 'rejected', 'closed'),
  status_reason: orNull(text),
  created_at: timeText,
  activated_at: orNull(timeText),
});

export const documentSchema = answerSchema('ClientDocument', {
  id: uuidText,
  kind: text.valid(...DOCUMENT_KINDS),
  sha256: text,
  file_name: text,
  content_type: text,
  size: Joi.number().integer().description('Bytes'),
  issuing_country: orNull(text),
  document_number_last4: orNull(text),
  expires_on: orNull(dateOnly),
  created_at: timeText,
});

export const mailedSchema = answerSchema('Mailed', { message: text });

const tag = 'Clients';
const open = { tag, access: 'public', headers: idempotencyHeaders } as const;
const person = { tag, access: 'person' } as const;
const page = { description: 'A page', type: 'text/html', schema: text };

/** What of an answer is the same for everybody. */
export const SAYS_NOTHING =
  'The answer is the same, and takes as long, whether there is a client with that address or not: ' +
  'the mail says what became of it.';

export const clientOperations: readonly Operation[] = [
  {
    ...open,
    method: 'post',
    path: '/v2/clients',
    summary: 'Sign up',
    description:
      'For people of 18 years or more. A mail brings a code and a link that confirm the address; ' +
      `then log in and add documents, about which compliance decides. ${SAYS_NOTHING} To an address ` +
      'that has a client it offers a way back in; with a phone number that has one, nothing is kept.',
    body: signUpSchema,
    responses: {
      202: {
        description: 'A mail is on its way',
        schema: answerSchema('SignedUp', { status: text.valid('pending'), message: text }),
      },
    },
  },
  {
    ...open,
    method: 'post',
    path: '/v2/clients/verify',
    summary: 'Confirm the e-mail address',
    description:
      'With the address and the code, or the token of the link. Either works once and for 24 ' +
      'hours; five wrong codes end it.',
    body: verifySchema,
    responses: { 204: { description: 'It is confirmed' } },
  },
  {
    ...open,
    method: 'post',
    path: '/v2/clients/verification',
    summary: 'Send the code again',
    description: `Three times an hour at most; beyond that nothing is sent. ${SAYS_NOTHING}`,
    body: emailSchema,
    responses: { 202: { description: 'Accepted', schema: mailedSchema } },
  },
  {
    ...person,
    method: 'get',
    path: '/v2/clients/me',
    summary: 'What we know of you',
    responses: { 200: { description: 'You', schema: clientSchema } },
    problems: [404],
  },
  {
    ...person,
    method: 'patch',
    path: '/v2/clients/me',
    summary: 'Change your phone number or address',
    description: 'What is not sent stays. Names and the date of birth only compliance changes.',
    headers: idempotencyHeaders,
    body: changeDetailsSchema,
    responses: { 200: { description: 'You', schema: clientSchema } },
    problems: [404, 409],
  },
  {
    ...person,
    method: 'get',
    path: '/v2/clients/me/documents',
    summary: 'Your documents',
    responses: {
      200: {
        description: 'The oldest first',
        schema: answerSchema('ClientDocuments', { documents: Joi.array().items(documentSchema) }),
      },
    },
  },
  {
    ...person,
    method: 'post',
    path: '/v2/clients/me/documents',
    summary: 'Add a document that shows who you are',
    description:
      'The hash of a file and what it is: the file itself stays with you. The same file again ' +
      'answers the first one.',
    headers: idempotencyHeaders,
    body: addDocumentSchema,
    responses: {
      200: { description: 'It was there already', schema: documentSchema },
      201: { description: 'The document', schema: documentSchema },
    },
  },
  {
    tag,
    access: 'public',
    method: 'get',
    path: '/confirm/:purpose',
    summary: 'The page behind a link in a mail',
    description: 'For browsers: it has a button, and changes nothing until that is pressed.',
    params: pageParamsSchema,
    query: tokenSchema,
    responses: { 200: page },
    problems: [429],
  },
  {
    tag,
    access: 'public',
    method: 'post',
    path: '/confirm/:purpose',
    summary: 'The button of that page',
    description:
      'Takes the fields of an HTML form: `token`, and `password` for `reset_password`. Refusals are ' +
      'pages, too. Programs use the operations of the same purpose instead.',
    params: pageParamsSchema,
    responses: { 200: page },
    problems: [429, 503],
  },
];
