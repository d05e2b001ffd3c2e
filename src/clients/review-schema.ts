import Joi from 'joi';
import { pageQuery } from '../http/page.js';

export const REVIEW_STATUSES = ['waiting', 'incomplete', 'approved', 'rejected'] as const;
export type ReviewStatus = (typeof REVIEW_STATUSES)[number];

export interface ListReviewsQuery {
  status: ReviewStatus;
  limit: number;
  page_token?: string;
}

export const listReviewsSchema = Joi.object({
  status: Joi.valid(...REVIEW_STATUSES)
    .default('waiting')
    .description('Waiting: all is there, and nothing was decided'),
  ...pageQuery,
});

export const reviewIdSchema = Joi.object({ client_id: Joi.string().guid().required() });

export const decisionSchema = Joi.object({
  decision: Joi.valid('approve', 'reject').required(),
  reason: Joi.string()
    .trim()
    .min(1)
    .max(500)
    .required()
    .description('The client reads it, too: a suspicion does not belong here'),
}).label('ReviewDecision');
