import Joi from 'joi';
import { answerSchema, decimalText, timeText, type Operation } from '../http/operation.js';

const proofSchema = answerSchema('LedgerProof', {
  balanced: Joi.boolean(),
  as_of: timeText,
  mismatched_balances: Joi.number()
    .integer()
    .description('Balances that differ from the sum of their postings'),
  assets: Joi.array().items(
    Joi.object({
      asset: Joi.string(),
      debits: decimalText,
      credits: decimalText,
      difference: decimalText,
      balances: Joi.number()
        .integer()
        .description('Cash balances or positions that were recomputed from their postings'),
      mismatched_balances: Joi.number().integer(),
      balance_difference: decimalText.description('By how much those are off, without signs'),
    }),
  ),
  total: Joi.object({
    postings: Joi.number().integer(),
    assets: Joi.number().integer(),
    unbalanced_assets: Joi.number().integer().description('Their debits and credits differ'),
    balances: Joi.number().integer(),
    mismatched_balances: Joi.number().integer(),
  }),
});

export const ledgerOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/ledger/proof',
    tag: 'Ledger',
    access: 'read',
    summary: 'The proof of double entry',
    description:
      'Recomputed from all postings, in one snapshot: per asset, debits equal credits; and every ' +
      "account's cash and every position is the sum of its postings.",
    responses: { 200: { description: 'The proof', schema: proofSchema } },
  },
];
