import type { Knex } from 'knex';
import { sharedDocuments, listDocuments, IDENTITY_KINDS, presentDocument } from './documents.js';
import { CLIENT_COLUMNS, type ClientDetails } from './model.js';
import { presentClient } from './presenter.js';
import type { ListReviewsQuery, ReviewStatus } from './review-schema.js';
import { missingOf } from './reviews.js';

/** A sign-up with what was decided about it, as compliance reads it. */
interface Review extends ClientDetails {
  readonly decision: 'approve' | 'reject' | null;
  readonly reason: string | null;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
}

const REVIEW_COLUMNS = `${CLIENT_COLUMNS}, r.decision, r.reason, r.decided_by as "decidedBy",
  r.decided_at as "decidedAt"`;

const HAS_IDENTITY = `exists (select from client_documents d
  where d.client_id = c.id and d.kind in (${IDENTITY_KINDS.map((kind) => `'${kind}'`).join(', ')}))`;

/** Waiting: everything is there, and compliance has to decide. */
const CONDITIONS: Readonly<Record<ReviewStatus, string>> = {
  waiting: `c.status = 'pending' and c.email_verified_at is not null and ${HAS_IDENTITY}`,
  incomplete: `c.status = 'pending' and not (c.email_verified_at is not null and ${HAS_IDENTITY})`,
  approved: `r.decision = 'approve'`,
  rejected: `r.decision = 'reject'`,
};

const reviews = (knex: Knex) =>
  knex('clients as c')
    .leftJoin('client_reviews as r', 'r.client_id', 'c.id')
    .where({ 'c.role': 'client' })
    .select<Review[]>(knex.raw(REVIEW_COLUMNS));

/** A page of sign-ups, the oldest first. */
export async function listReviews(
  knex: Knex,
  { status, limit, page_token: after }: ListReviewsQuery,
): Promise<Record<string, unknown>[]> {
  const query = reviews(knex).whereRaw(CONDITIONS[status]).orderBy('c.id').limit(limit);
  if (after !== undefined) void query.where('c.id', '>', after);
  return (await query).map(presentReview);
}

/** One sign-up with its documents, and who else has shown the same; undefined when there is none. */
export async function readReview(
  knex: Knex,
  clientId: string,
): Promise<Record<string, unknown> | undefined> {
  const [review] = await reviews(knex).where({ 'c.id': clientId });
  if (!review) return undefined;
  const documents = await listDocuments(knex, clientId);
  return {
    ...presentReview(review),
    missing: review.status === 'pending' ? missingOf(review.emailVerifiedAt, documents) : [],
    documents: documents.map(presentDocument),
    shared_documents: await sharedDocuments(knex, clientId),
  };
}

const presentReview = (review: Review): Record<string, unknown> => ({
  client_id: review.id,
  client: presentClient(review),
  decision: review.decision,
  reason: review.reason,
  decided_by: review.decidedBy,
  decided_at: review.decidedAt,
});
