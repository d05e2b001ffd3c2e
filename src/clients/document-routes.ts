import Router from '@koa/router';
import { validateBody } from '../http/validate.js';
import { type AddDocumentBody, addDocumentSchema } from './document-schema.js';
import { addDocument, listDocuments, presentDocument } from './documents.js';
import { type ClientRoutesDeps, personOnly, writing } from './route-deps.js';

/** The documents that show who a client is. */
export function documentsRouter(deps: ClientRoutesDeps): Router {
  const router = new Router();
  const person = personOnly(deps);

  router.get('/v2/clients/me/documents', ...person, async (ctx) => {
    const documents = await listDocuments(deps.knex, ctx.state.principal.clientId);
    ctx.body = { documents: documents.map(presentDocument) };
  });

  router.post(
    '/v2/clients/me/documents',
    ...person,
    validateBody(addDocumentSchema),
    writing(deps, async (ctx, trx, by) => {
      const body = ctx.request.validBody as AddDocumentBody;
      const { clientId } = ctx.state.principal;
      const { document, isNew } = await addDocument(trx, by, clientId, body, deps.now());
      ctx.status = isNew ? 201 : 200;
      ctx.body = presentDocument(document);
      return undefined;
    }),
  );

  return router;
}
