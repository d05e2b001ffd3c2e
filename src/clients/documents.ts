import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { forbidden, invalid } from '../errors.js';
import { dateText } from '../http/calendar-date.js';
import { newId } from '../ids.js';
import type { AddDocumentBody, DocumentKind } from './document-schema.js';
import { lockClient } from './model.js';

/** What a client has shown of a document. */
export interface ClientDocument {
  readonly id: string;
  readonly clientId: string;
  readonly kind: DocumentKind;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  readonly fileName: string;
  readonly contentType: string;
  readonly size: bigint;
  readonly issuingCountry: string | null;
  readonly documentNumberLast4: string | null;
  /** `YYYY-MM-DD`. */
  readonly expiresOn: string | null;
  readonly createdAt: Date;
}

/** The documents that show who somebody is; the others show where they live. */
export const IDENTITY_KINDS: readonly DocumentKind[] = ['passport', 'id_card', 'driving_licence'];

const PER_CLIENT_MAX = 20;

const COLUMNS = `id, client_id as "clientId", kind, encode(sha256, 'hex') as sha256,
  file_name as "fileName", content_type as "contentType", size,
  issuing_country as "issuingCountry", document_number_last4 as "documentNumberLast4",
  to_char(expires_on, 'YYYY-MM-DD') as "expiresOn", created_at as "createdAt"`;

/** The oldest first; there are 20 at most. */
export const listDocuments = (knex: Knex, clientId: string): Promise<ClientDocument[]> =>
  knex('client_documents')
    .where({ client_id: clientId })
    .orderBy('id')
    .select<ClientDocument[]>(knex.raw(COLUMNS));

/**
 * Notes a document: its hash and what it is, never what is in it.
 * @returns also whether it is new; the same file again is the first one
 * @throws DomainError 422 for one that has expired, 403 when there are too many
 */
export async function addDocument(
  trx: Knex.Transaction,
  by: Actor,
  clientId: string,
  body: AddDocumentBody,
  now: Date,
): Promise<{ document: ClientDocument; isNew: boolean }> {
  await lockClient(trx, clientId); // one after the other: their number counts
  const documents = await listDocuments(trx, clientId);
  const known = documents.find(({ sha256 }) => sha256 === body.sha256);
  if (known) return { document: known, isNew: false };
  requireValid(body, now);
  if (documents.length >= PER_CLIENT_MAX) {
    throw forbidden(
      `There are ${PER_CLIENT_MAX} documents of yours already, the most there may be`,
    );
  }
  const document = await insertDocument(trx, clientId, body, now);
  const subject = { client_id: clientId, document_id: document.id };
  const { kind, sha256 } = document;
  await recordAct(trx, by, { action: 'client.document_added', subject, after: { kind, sha256 } });
  const others = await clientsWith(trx, sha256, clientId);
  if (others.length > 0) {
    await recordAct(trx, by, {
      action: 'client.document_shared',
      subject,
      after: { sha256, other_clients: others },
    });
  }
  return { document, isNew: true };
}

async function insertDocument(
  trx: Knex.Transaction,
  clientId: string,
  body: AddDocumentBody,
  now: Date,
): Promise<ClientDocument> {
  const [inserted] = await trx('client_documents')
    .insert({
      id: newId(),
      client_id: clientId,
      kind: body.kind,
      sha256: Buffer.from(body.sha256, 'hex'),
      file_name: body.file_name,
      content_type: body.content_type,
      size: body.size,
      issuing_country: body.issuing_country ?? null,
      document_number_last4: body.document_number?.slice(-SHOWN_OF_NUMBER) ?? null,
      expires_on: body.expires_on ? dateText(body.expires_on) : null,
      created_at: now,
    })
    .returning<ClientDocument[]>(trx.raw(COLUMNS));
  return inserted!;
}

/** Enough to tell two documents apart, and of no use to a thief. */
const SHOWN_OF_NUMBER = 4;

function requireValid({ expires_on: expiresOn }: AddDocumentBody, now: Date): void {
  if (!expiresOn || dateText(expiresOn) >= dateText(now)) return;
  const message = `expires_on is ${dateText(expiresOn)}: the document has expired`;
  throw invalid(`The body is not valid: ${message}`, {
    errors: [{ field: 'expires_on', message }],
  });
}

/** The others who have shown the same file. */
async function clientsWith(knex: Knex, sha256: string, clientId: string): Promise<string[]> {
  const rows = await knex('client_documents')
    .where({ sha256: Buffer.from(sha256, 'hex') })
    .whereNot({ client_id: clientId })
    .orderBy('id')
    .limit(SHARED_SHOWN_MAX)
    .select<{ id: string }[]>('client_id as id');
  return rows.map(({ id }) => id);
}

const SHARED_SHOWN_MAX = 20;

/** For compliance: who else has shown a file of this client, whoever did it first. */
export async function sharedDocuments(
  knex: Knex,
  clientId: string,
): Promise<{ sha256: string; client_id: string }[]> {
  return await knex('client_documents as mine')
    .join('client_documents as other', 'other.sha256', 'mine.sha256')
    .where({ 'mine.client_id': clientId })
    .whereNot({ 'other.client_id': clientId })
    .orderBy('other.id')
    .limit(SHARED_SHOWN_MAX)
    .select<{ sha256: string; client_id: string }[]>(
      knex.raw(`encode(other.sha256, 'hex') as sha256`),
      'other.client_id',
    );
}

/** A document as its client and compliance read it. */
export const presentDocument = (document: ClientDocument): Record<string, unknown> => ({
  id: document.id,
  kind: document.kind,
  sha256: document.sha256,
  file_name: document.fileName,
  content_type: document.contentType,
  size: Number(document.size),
  issuing_country: document.issuingCountry,
  document_number_last4: document.documentNumberLast4,
  expires_on: document.expiresOn,
  created_at: document.createdAt,
});
