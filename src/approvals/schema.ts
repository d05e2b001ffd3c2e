import Joi from 'joi';
import { nextPageToken, pageQuery } from '../http/page.js';
import { idempotencyHeaders } from '../http/idempotency.js';
import { answerSchema, timeText, uuidText, type Operation } from '../http/operation.js';
import { APPROVAL_STATUSES } from './model.js';

export const listApprovalsSchema = Joi.object({
  status: Joi.valid(...APPROVAL_STATUSES),
  kind: Joi.string().max(40).description('Such as limits.set'),
  ...pageQuery,
});

export const approvalIdSchema = Joi.object({ id: Joi.string().guid().required() });

export const decisionSchema = Joi.object({
  reason: Joi.string()
    .trim()
    .min(1)
    .max(500)
    .required()
    .description('Why; it is recorded with the decision'),
}).label('Decision');

export const approvalSchema = answerSchema('Approval', {
  id: uuidText,
  kind: Joi.string().description('What would be done, such as limits.set'),
  status: Joi.string().valid(...APPROVAL_STATUSES),
  summary: Joi.string().description('What would be done, in a sentence'),
  payload: Joi.object().unknown().description('What would be done, by kind'),
  subject: Joi.object().unknown().description('The ids of what it is about'),
  requested_by: uuidText,
  reason: Joi.string(),
  decided_by: uuidText.allow(null),
  decision_reason: Joi.string().allow(null),
  failure: Joi.string().allow(null).description('Why it could not be done any more'),
  result: Joi.object().unknown().allow(null).description('What came of it, by kind'),
  created_at: timeText,
  expires_at: timeText,
  decided_at: timeText.allow(null),
  version: Joi.number().integer(),
});

/** The answer of an operation that waits for a second person. */
export const waitsForApproval = {
  202: { description: 'It waits for a second person', schema: approvalSchema },
} as const;

const staff = {
  tag: 'Approvals',
  access: 'staff',
  roles: ['ops', 'compliance', 'admin'],
} as const;

const decision = (verb: string, summary: string, description: string): Operation => ({
  ...staff,
  method: 'post',
  path: `/v2/admin/approvals/:id/${verb}`,
  summary,
  description,
  params: approvalIdSchema,
  headers: idempotencyHeaders,
  body: decisionSchema,
  responses: { 200: { description: 'The approval, decided', schema: approvalSchema } },
  problems: [404, 409],
});

export const approvalOperations: readonly Operation[] = [
  {
    ...staff,
    method: 'get',
    path: '/v2/admin/approvals',
    summary: 'What waits for a second person, and what became of it',
    query: listApprovalsSchema,
    responses: {
      200: {
        description: 'The newest first',
        schema: answerSchema('ApprovalsPage', {
          approvals: Joi.array().items(approvalSchema),
          next_page_token: nextPageToken,
        }),
      },
    },
  },
  {
    ...staff,
    method: 'get',
    path: '/v2/admin/approvals/:id',
    summary: 'One approval',
    params: approvalIdSchema,
    responses: { 200: { description: 'The approval', schema: approvalSchema } },
    problems: [404],
  },
  decision(
    'approve',
    'Approve, and do it',
    'By somebody other than who asked for it, with a role that the kind wants. It is done in the ' +
      'same transaction, once. Everything is checked again first: when it cannot be done any more, ' +
      'the status is `failed` and `failure` says why; ask for it anew then.',
  ),
  decision('reject', 'Reject: nothing is done', 'By somebody other than who asked for it.'),
  decision('withdraw', 'Take a request back', 'By who made it.'),
];
