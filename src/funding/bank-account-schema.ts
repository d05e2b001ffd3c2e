import Joi from 'joi';
import { isIban, isRoutingNumber, normalizeIban } from '../domain/bank-numbers.js';
import { orAbsent } from '../http/absent.js';
import { idempotencyHeaders } from '../http/idempotency.js';
import { answerSchema, timeText, uuidText, type Operation } from '../http/operation.js';
import { BANK_ACCOUNTS_MAX, type BankNumber } from './bank-accounts.js';

export interface AddBankAccountBody {
  account_owner_name: string;
  nickname?: string;
  iban?: string;
  bank_routing_number?: string;
  bank_account_number?: string;
}

const iban = Joi.string()
  .max(60)
  .custom((text: string, { message }) => {
    const normal = normalizeIban(text);
    if (isIban(normal)) return normal;
    return message({ custom: '{#label} is not an IBAN: its length or check digits are wrong' });
  });

const routingNumber = Joi.string().custom((text: string, { message }) => {
  if (isRoutingNumber(text)) return text;
  return message({ custom: '{#label} must be an ABA routing number: its check digit is wrong' });
});

export const addBankAccountSchema = Joi.object({
  account_owner_name: Joi.string().trim().min(1).max(100).required(),
  nickname: orAbsent(Joi.string().trim().max(50)),
  iban: iban.description('Or the two US numbers'),
  bank_routing_number: routingNumber.description('The ABA routing number of a US bank'),
  bank_account_number: Joi.string()
    .pattern(/^\d{4,17}$/)
    .messages({ 'string.pattern.base': '{#label} must have 4 to 17 digits' }),
})
  .xor('iban', 'bank_routing_number')
  .and('bank_routing_number', 'bank_account_number')
  .messages({
    'object.missing': 'iban, or bank_routing_number and bank_account_number must be sent',
    'object.xor': 'iban and bank_routing_number exclude each other',
    'object.and': 'bank_routing_number and bank_account_number belong together',
  })
  .label('AddBankAccount');

/** What `addBankAccountSchema` has accepted, as one number. */
export const numberOf = (body: AddBankAccountBody): BankNumber =>
  body.iban === undefined
    ? { kind: 'us', routing: body.bank_routing_number!, account: body.bank_account_number! }
    : { kind: 'iban', iban: body.iban };

export const bankAccountIdSchema = Joi.object({ id: Joi.string().guid().required() });

const bankAccountSchema = answerSchema('BankAccount', {
  id: uuidText,
  account_owner_name: Joi.string(),
  nickname: Joi.string().allow(null),
  kind: Joi.string().valid('iban', 'us'),
  country: Joi.string().pattern(/^[A-Z]{2}$/),
  last4: Joi.string().description('Of the number; the rest of it is shown to nobody'),
  status: Joi.string().valid('APPROVED', 'CANCELED'),
  created_at: timeText,
});

const tag = 'Transfers';

export const bankAccountOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/bank_accounts',
    tag,
    access: 'read',
    summary: 'Your bank accounts',
    responses: {
      200: {
        description: `The oldest first, ${BANK_ACCOUNTS_MAX} at most`,
        schema: Joi.array().items(bankAccountSchema),
      },
    },
  },
  {
    method: 'post',
    path: '/v2/bank_accounts',
    tag,
    access: 'person',
    stepUp: true,
    summary: 'Add a bank account',
    description:
      'Where money may go is sensitive: this needs a session with a second factor within the last ' +
      '5 minutes.',
    headers: idempotencyHeaders,
    body: addBankAccountSchema,
    responses: { 201: { description: 'The bank account', schema: bankAccountSchema } },
    problems: [409],
  },
  {
    method: 'delete',
    path: '/v2/bank_accounts/:id',
    tag,
    access: 'person',
    summary: 'Take a bank account away',
    headers: idempotencyHeaders,
    params: bankAccountIdSchema,
    responses: { 204: { description: 'It is gone; its transfers stay' } },
    problems: [404, 409],
  },
];
