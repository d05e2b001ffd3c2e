import Joi from 'joi';
import { idempotencyHeaders } from '../http/idempotency.js';
import { answerSchema, timeText, uuidText, type Operation } from '../http/operation.js';
import { clientSchema, documentSchema } from './docs.js';
import { decisionSchema, listReviewsSchema, reviewIdSchema } from './review-schema.js';

const review = {
  client_id: uuidText,
  client: clientSchema,
  decision: Joi.string().valid('approve', 'reject').allow(null),
  reason: Joi.string().allow(null),
  decided_by: uuidText.allow(null),
  decided_at: timeText.allow(null),
};

const fullReviewSchema = answerSchema('KycReview', {
  ...review,
  missing: Joi.array()
    .items(Joi.string().valid('verified_email', 'identity_document'))
    .description('What an approval still needs'),
  documents: Joi.array().items(documentSchema),
  shared_documents: Joi.array()
    .items(answerSchema('SharedDocument', { sha256: Joi.string(), client_id: uuidText }))
    .description('Who else has shown the same file: look into it'),
});

const officer = { tag: 'Reviews', access: 'staff', roles: ['compliance', 'admin'] } as const;
const path = '/v2/admin/kyc_reviews/:client_id';

export const reviewOperations: readonly Operation[] = [
  {
    ...officer,
    method: 'get',
    path: '/v2/admin/kyc_reviews',
    summary: 'Who signed up, and waits',
    query: listReviewsSchema,
    responses: {
      200: {
        description: 'The oldest first',
        schema: answerSchema('KycReviewsPage', {
          reviews: Joi.array().items(answerSchema('KycReviewSummary', review)),
          next_page_token: uuidText.allow(null).description('null on the last page'),
        }),
      },
    },
  },
  {
    ...officer,
    method: 'get',
    path,
    summary: 'One sign-up, with its documents',
    params: reviewIdSchema,
    responses: { 200: { description: 'The review', schema: fullReviewSchema } },
    problems: [404],
  },
  {
    ...officer,
    method: 'post',
    path: `${path}/decision`,
    summary: 'Approve or reject a sign-up',
    description:
      'Once. Approved, the client is active and has an account with an empty USD wallet; that needs ' +
      'a confirmed e-mail address and a passport, identity card or driving licence. The client ' +
      'gets the decision by mail, with the reason of a rejection.',
    params: reviewIdSchema,
    headers: idempotencyHeaders,
    body: decisionSchema,
    responses: { 200: { description: 'The review', schema: fullReviewSchema } },
    problems: [404, 409],
  },
];
