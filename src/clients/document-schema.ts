import Joi from 'joi';
import { calendarDate } from '../http/calendar-date.js';
import { country } from './schema.js';

export const DOCUMENT_KINDS = [
  'passport',
  'id_card',
  'driving_licence',
  'proof_of_address',
] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

const CONTENT_TYPES = ['application/pdf', 'image/jpeg', 'image/png', 'image/heic'];
const FILE_MAX_BYTES = 20_000_000;

export interface AddDocumentBody {
  kind: DocumentKind;
  sha256: string;
  file_name: string;
  content_type: string;
  size: number;
  issuing_country?: string;
  document_number?: string;
  /** Midnight UTC. */
  expires_on?: Date;
}

export const addDocumentSchema = Joi.object({
  kind: Joi.valid(...DOCUMENT_KINDS).required(),
  sha256: Joi.string()
    .lowercase()
    .pattern(/^[0-9a-f]{64}$/, '64 hexadecimal digits')
    .required()
    .description('Of the file: the file itself stays with you'),
  file_name: Joi.string()
    .max(255)
    .pattern(/^[^\p{C}/\\]+$/u, 'the name of a file')
    .required(),
  content_type: Joi.valid(...CONTENT_TYPES).required(),
  size: Joi.number().integer().min(1).max(FILE_MAX_BYTES).required().description('In bytes'),
  issuing_country: country.empty(null),
  document_number: Joi.string()
    .trim()
    .max(40)
    .pattern(/^[\p{L}\p{N} -]+$/u, 'letters and digits')
    .empty(null)
    .description('Only its last four characters are kept'),
  expires_on: calendarDate.empty(null),
}).label('AddDocument');
