import Joi from 'joi';
import { nextPageToken, pageQuery } from '../http/page.js';
import { among, listParameter } from '../http/list-parameter.js';
import { answerSchema, timeText, uuidText, type Operation } from '../http/operation.js';
import { actionsShownToClients, auditActions } from './actions.js';
import type { AuditFilter } from './entries.js';

const ACTIONS_MAX_LENGTH = 2_000;

const page = {
  after: Joi.date().iso().description('Only what was done after this time'),
  until: Joi.date().iso().description('Only what was done before this time'),
  ...pageQuery,
};

export type SearchAuditQuery = Omit<AuditFilter, 'actions'> & { action?: string[] };

export const searchAuditSchema = Joi.object({
  action: listParameter({ maxLength: ACTIONS_MAX_LENGTH, fault: among(auditActions) }).description(
    'Such as limits.set; comma-separated or repeated',
  ),
  actor_id: Joi.string().guid().description('Who did it'),
  client_id: Joi.string().guid().description('The client whom it is about'),
  account_id: Joi.string().guid(),
  symbol: Joi.string().max(40).description('As in the answers: AAPL, BTC/USD'),
  ip: Joi.string().ip({ cidr: 'forbidden' }).description('From where'),
  request_id: Joi.string().max(128),
  ...page,
});

export const auditIdSchema = Joi.object({ id: Joi.string().guid().required() });

export type OwnAuditQuery = Pick<AuditFilter, 'after' | 'until' | 'limit' | 'page_token'>;

export const ownAuditSchema = Joi.object(page);

const sha256Text = Joi.string().pattern(/^[\da-f]{64}$/);
const members = Joi.object().unknown().allow(null);

const entry = {
  id: uuidText,
  seq: Joi.number().integer().description('Its place in the chain, from 1'),
  hash: sha256Text.description('SHA-256 over all of the chain up to it'),
  occurred_at: timeText,
  action: Joi.string().valid(...auditActions),
  actor: answerSchema('AuditActor', {
    kind: Joi.string().valid('person', 'program', 'anonymous', 'system'),
    client_id: uuidText.allow(null),
    role: Joi.string().allow(null),
    credential: Joi.string().allow(null).description("The session, the API key, or the job's name"),
  }),
  origin: answerSchema('AuditOrigin', {
    ip: Joi.string().allow(null),
    user_agent: Joi.string().allow(null),
    request_id: Joi.string().allow(null),
  }),
  subject: Joi.object().unknown().description('The ids of what it is about'),
  before: members.description('null when there was nothing'),
  after: members,
  reason: Joi.string().allow(null),
};

const provableSchema = answerSchema('ProvableAuditEntry', {
  ...entry,
  content: Joi.string().description('The text that was hashed, byte for byte'),
  previous_hash: sha256Text.description('Of the link before'),
});

const ownEntrySchema = answerSchema('OwnAuditEntry', {
  id: uuidText,
  occurred_at: timeText,
  action: Joi.string().valid(...actionsShownToClients),
  by: Joi.object({
    kind: Joi.string().valid('you', 'staff', 'system', 'anonymous').required(),
    name: Joi.string().required(),
  }),
  ip: Joi.string().allow(null).description('null for what we did'),
  user_agent: Joi.string().allow(null),
  subject: Joi.object().unknown(),
  before: members,
  after: members,
});

const pageOf = (name: string, item: Joi.Schema) =>
  answerSchema(name, {
    entries: Joi.array().items(item),
    next_page_token: nextPageToken,
  });

const tag = 'Audit';
const staff = { tag, access: 'staff', roles: ['ops', 'compliance', 'admin'] } as const;

export const auditOperations: readonly Operation[] = [
  {
    ...staff,
    method: 'get',
    path: '/v2/admin/audit',
    summary: 'Who did what, when, from where, and what was before',
    description:
      'Every security- and money-relevant act. A search is an act, too: its first page is recorded.',
    query: searchAuditSchema,
    responses: {
      200: {
        description: 'The newest first',
        schema: pageOf('AuditPage', answerSchema('AuditEntry', entry)),
      },
    },
  },
  {
    ...staff,
    method: 'get',
    path: '/v2/admin/audit/:id',
    summary: 'One entry, with what its hash can be computed from',
    description:
      'hash = SHA-256(previous_hash, seq as 8 bytes big-endian, content as UTF-8). ' +
      'Reading an entry is recorded.',
    params: auditIdSchema,
    responses: { 200: { description: 'The entry', schema: provableSchema } },
    problems: [404],
  },
  {
    method: 'get',
    path: '/v2/clients/me/audit',
    tag,
    summary: 'What was done to your account and in your name',
    description: 'Of the house it tells that it acted, not who there. For people: no API keys.',
    access: 'person',
    query: ownAuditSchema,
    responses: {
      200: { description: 'The newest first', schema: pageOf('OwnAuditPage', ownEntrySchema) },
    },
  },
];
