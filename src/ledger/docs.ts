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
    }),
  ),
});

export const ledgerOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/ledger/proof',
    tag: 'Ledger',
    access: 'read',
    summary: 'The proof of double entry',
    description: 'Recomputed from all postings: nothing came from nowhere, nothing was lost.',
    responses: { 200: { description: 'The proof', schema: proofSchema } },
  },
];
