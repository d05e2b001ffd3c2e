import type { ClientDetails } from './model.js';

/** A client, as they and compliance read it. */
export const presentClient = (client: ClientDetails): Record<string, unknown> => ({
  id: client.id,
  email: client.email,
  email_verified_at: client.emailVerifiedAt,
  email_undeliverable_at: client.emailUndeliverableAt,
  email_undeliverable_reason: client.emailUndeliverableReason,
  phone: client.phone,
  first_name: client.firstName,
  last_name: client.lastName,
  date_of_birth: client.dateOfBirth,
  address: client.address,
  role: client.role,
  status: client.status,
  status_reason: client.statusReason,
  created_at: client.createdAt,
  activated_at: client.activatedAt,
});
