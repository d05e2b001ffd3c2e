import Joi from 'joi';
import { nextPageToken } from '../http/page.js';
import { idempotencyHeaders } from '../http/idempotency.js';
import { answerSchema, timeText, uuidText, type Operation } from '../http/operation.js';
import { CASE_ACTIONS } from './case-events.js';
import { CASE_KINDS, CASE_STATUSES, RESOLUTIONS } from './case-model.js';
import {
  addNoteSchema,
  caseIdSchema,
  casePageSchema,
  changeCaseSchema,
  listCasesSchema,
  openCaseSchema,
} from './case-schema.js';

const caseMembers = {
  id: uuidText,
  kind: Joi.string().valid(...CASE_KINDS),
  status: Joi.string().valid(...CASE_STATUSES),
  account_ids: Joi.array().items(uuidText),
  asset_id: uuidText.allow(null),
  symbol: Joi.string().allow(null),
  window_start: timeText.description('Of what was found so far'),
  window_end: timeText,
  score: Joi.number().integer().description('1 to 100; of the gravest finding'),
  summary: Joi.string(),
  findings: Joi.number().integer(),
  opened_by: uuidText.allow(null).description('null: by surveillance'),
  assigned_to: uuidText.allow(null),
  resolution: Joi.string()
    .valid(...RESOLUTIONS)
    .allow(null),
  version: Joi.number().integer().description('Counts up with every change; also the ETag'),
  opened_at: timeText,
  updated_at: timeText,
  closed_at: timeText.allow(null),
};
const caseSchema = answerSchema('Case', caseMembers);

const evidenceSchema = answerSchema('CaseEvidence', {
  id: Joi.string(),
  finding_id: uuidText,
  rule: Joi.string(),
  subject: Joi.string().valid('order', 'execution'),
  subject_id: uuidText,
  account_id: uuidText.allow(null),
  occurred_at: timeText,
  figures: Joi.object().unknown(),
});

const caseEventSchema = answerSchema('CaseEvent', {
  id: Joi.string(),
  actor_id: uuidText.allow(null).description('null: surveillance'),
  action: Joi.string().valid(...CASE_ACTIONS),
  before: Joi.object().unknown().allow(null),
  after: Joi.object().unknown().allow(null),
  note: Joi.string().allow(null),
  occurred_at: timeText,
});

const readers = {
  tag: 'Surveillance',
  access: 'staff',
  roles: ['ops', 'compliance', 'admin'],
} as const;
const officers = { ...readers, roles: ['compliance', 'admin'] } as const;
const CASE = { description: 'The case', schema: caseSchema };

export const caseOperations: readonly Operation[] = [
  {
    ...readers,
    method: 'get',
    path: '/v2/admin/cases',
    summary: 'Cases of market surveillance',
    query: listCasesSchema,
    responses: {
      200: {
        description: 'The one that was opened last first',
        schema: answerSchema('CasesPage', {
          cases: Joi.array().items(caseSchema),
          next_page_token: nextPageToken,
        }),
      },
    },
  },
  {
    ...officers,
    method: 'post',
    path: '/v2/admin/cases',
    summary: 'Open a case by hand',
    headers: idempotencyHeaders,
    body: openCaseSchema,
    responses: { 201: CASE },
    problems: [409],
  },
  {
    ...readers,
    method: 'get',
    path: '/v2/admin/cases/:id',
    summary: 'A case with its evidence',
    params: caseIdSchema,
    query: casePageSchema,
    responses: {
      200: {
        description: 'The case and a page of its evidence, in the order in which it was found',
        schema: answerSchema('CaseWithEvidence', {
          ...caseMembers,
          evidence: Joi.array().items(evidenceSchema),
          next_page_token: nextPageToken,
        }),
      },
    },
    problems: [404],
  },
  {
    ...officers,
    method: 'patch',
    path: '/v2/admin/cases/:id',
    summary: 'Assign, escalate, close or reopen a case',
    description:
      'Send the ETag as `If-Match` to change only what you have read. The reason is recorded.',
    headers: idempotencyHeaders,
    params: caseIdSchema,
    body: changeCaseSchema,
    responses: { 200: CASE },
    problems: [404, 409],
  },
  {
    ...readers,
    method: 'get',
    path: '/v2/admin/cases/:id/history',
    summary: 'What was done to a case, by whom and why',
    params: caseIdSchema,
    query: casePageSchema,
    responses: {
      200: {
        description: 'The oldest first',
        schema: answerSchema('CaseHistoryPage', {
          history: Joi.array().items(caseEventSchema),
          next_page_token: nextPageToken,
        }),
      },
    },
    problems: [404],
  },
  {
    ...officers,
    method: 'post',
    path: '/v2/admin/cases/:id/notes',
    summary: 'Add a note to the history of a case',
    headers: idempotencyHeaders,
    params: caseIdSchema,
    body: addNoteSchema,
    responses: { 201: { description: 'The note', schema: caseEventSchema } },
    problems: [404, 409],
  },
];
