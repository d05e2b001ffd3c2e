import Joi from 'joi';

/** How lists are asked for page by page, and what says that there is more. */

/** The rows of one page. */
export const pageLimit = Joi.number().integer().min(1).max(500).default(100);

/** The members of a query whose cursor is the id of a row. */
export const pageQuery = {
  limit: pageLimit,
  page_token: Joi.string().guid().description("The last answer's next_page_token"),
};

/** The member of an answer that is the `page_token` of the next page. */
export const nextPageToken = Joi.string().allow(null).description('null on the last page');

/** A page that is full may have a successor; the cursor is the id of its last row. */
export const nextToken = <Row extends { readonly id?: unknown }>(
  rows: readonly Row[],
  { limit }: { readonly limit: number },
): Row['id'] | null => (rows.length < limit ? null : (rows.at(-1)?.id ?? null));
