import { formatDecimal, PRICE_SCALE } from '../../domain/money.js';
import type { Role } from '../../identity/principal.js';
import { presentLimits } from '../../risk/limit-store.js';
import type { ClientFile, ClientRow } from './model.js';

/** Operations works on orders and money; who the client is they see as far as they need it. */
const isMasked = (reader: Role | null): boolean => reader === 'ops';

/** `a***@example.com`: enough to compare with what a caller says. */
const maskEmail = (email: string): string =>
  `${email[0]!}***${email.slice(email.lastIndexOf('@'))}`;

/** The last two digits, for the same. */
const maskPhone = (phone: string): string => `+***${phone.slice(-2)}`;

const money = (units: bigint): string => formatDecimal(units, PRICE_SCALE);

/** A client in a list. @param reader the role of who asks */
export function presentClient(client: ClientRow, reader: Role | null): Record<string, unknown> {
  const masked = isMasked(reader);
  const { email, phone } = client;
  return {
    id: client.id,
    email: masked ? maskEmail(email) : email,
    phone: masked && phone !== null ? maskPhone(phone) : phone,
    first_name: client.first_name,
    last_name: client.last_name,
    role: client.role,
    status: client.status,
    status_reason: client.status_reason,
    masked,
    created_at: client.created_at.toISOString(),
    updated_at: client.updated_at.toISOString(),
  };
}

/** A client's file. @param reader the role of who asks */
export function presentFile(file: ClientFile, reader: Role | null): Record<string, unknown> {
  const masked = isMasked(reader);
  return {
    ...presentClient(file, reader),
    date_of_birth: masked ? null : file.date_of_birth,
    address: masked ? null : file.address,
    email_verified_at: file.email_verified_at?.toISOString() ?? null,
    email_undeliverable_at: file.email_undeliverable_at?.toISOString() ?? null,
    // Mail servers like to name the address in what they say.
    email_undeliverable_reason: masked ? null : file.email_undeliverable_reason,
    activated_at: file.activated_at?.toISOString() ?? null,
    api_keys: file.api_keys,
    open_sessions: file.open_sessions,
    accounts: file.accounts.map(({ cash, cash_held, limits, ...account }) => ({
      ...account,
      cash: money(cash),
      cash_held: money(cash_held),
      limits: limits && presentLimits(limits),
    })),
  };
}
