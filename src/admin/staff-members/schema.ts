import Joi from 'joi';
import { nextPageToken, pageQuery } from '../../http/page.js';
import { waitsForApproval } from '../../approvals/schema.js';
import { idempotencyHeaders } from '../../http/idempotency.js';
import { answerSchema, timeText, uuidText, type Operation } from '../../http/operation.js';
import { STAFF_ROLES, type NewMember, type StaffRole } from './model.js';

export const listStaffSchema = Joi.object({
  role: Joi.valid(...STAFF_ROLES),
  active: Joi.boolean(),
  ...pageQuery,
});

export const staffIdSchema = Joi.object({ id: Joi.string().guid().required() });

const reason = Joi.string()
  .trim()
  .min(1)
  .max(500)
  .required()
  .description('Why; it is recorded with the change');

const name = Joi.string().trim().min(1).max(100).required();

export interface CreateStaffBody extends NewMember {
  reason: string;
}

/** A new member of staff. */
export const memberSchema = {
  email: Joi.string().trim().lowercase().email({ tlds: false }).max(254).required(),
  first_name: name,
  last_name: name,
  role: Joi.valid(...STAFF_ROLES).required(),
};

export const createStaffSchema = Joi.object({ ...memberSchema, reason }).label('NewStaff');

export interface ChangeStaffBody {
  role?: StaffRole;
  active?: boolean;
  reason: string;
}

export const changeStaffSchema = Joi.object({
  role: Joi.valid(...STAFF_ROLES),
  active: Joi.boolean().description('false: may not log in, and API keys are refused'),
  reason,
})
  .or('role', 'active')
  .label('ChangeStaff');

const staffSchema = answerSchema('Staff', {
  id: uuidText,
  email: Joi.string(),
  first_name: Joi.string(),
  last_name: Joi.string(),
  role: Joi.string().valid(...STAFF_ROLES),
  active: Joi.boolean(),
  created_at: timeText,
  updated_at: timeText,
});

const admins = { tag: 'Staff', access: 'staff', roles: ['admin'] } as const;

export const staffOperations: readonly Operation[] = [
  {
    ...admins,
    method: 'get',
    path: '/v2/admin/staff',
    summary: 'Who works for the house',
    query: listStaffSchema,
    responses: {
      200: {
        description: 'The newest first',
        schema: answerSchema('StaffPage', {
          staff: Joi.array().items(staffSchema),
          next_page_token: nextPageToken,
        }),
      },
    },
  },
  {
    ...admins,
    method: 'post',
    path: '/v2/admin/staff',
    summary: 'Take somebody on',
    description:
      "Waits for a second admin's approval. The new member then gets a mail with a code, which is " +
      'good for an hour, to set a password (`POST /v2/clients/password/reset`).',
    headers: idempotencyHeaders,
    body: createStaffSchema,
    responses: waitsForApproval,
    problems: [409],
  },
  {
    ...admins,
    method: 'patch',
    path: '/v2/admin/staff/:id',
    summary: "Change somebody's role, or whether they may log in",
    description:
      "Waits for a second admin's approval. All sessions end then; with another role all API keys " +
      'end, too. Nobody changes themselves, and one active admin always stays.',
    params: staffIdSchema,
    headers: idempotencyHeaders,
    body: changeStaffSchema,
    responses: waitsForApproval,
    problems: [404, 409],
  },
];
