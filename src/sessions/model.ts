import { Model, snakeCaseMappers } from 'objection';

/** One login, and everything that was refreshed from it. */
export class Session extends Model {
  static override tableName = 'sessions';
  static override columnNameMappers = snakeCaseMappers();

  declare id: string;
  declare clientId: string;
  declare deviceId: string | null;
  declare ip: string;
  declare userAgent: string;
  /** How the person proved who they are (RFC 8176). */
  declare methods: string[];
  declare createdAt: Date;
  declare lastUsedAt: Date;
  declare expiresAt: Date;
  /** The last second factor. */
  declare steppedUpAt: Date | null;
  declare endedAt: Date | null;
  declare endReason: EndReason | null;
}

/** Permanent strings: they are in rows. */
export type EndReason =
  | 'logged_out'
  | 'revoked'
  | 'token_reused'
  | 'password_changed'
  | 'email_changed'
  | 'second_factor_changed'
  | 'client_rejected'
  | 'client_suspended'
  | 'client_closed'
  | 'role_changed';

/** Where somebody has logged in from. */
export class Device extends Model {
  static override tableName = 'devices';
  static override columnNameMappers = snakeCaseMappers();

  declare id: string;
  declare clientId: string;
  /** Of a trusted one. */
  declare tokenHash: Buffer | null;
  declare userAgent: string;
  declare ip: string;
  declare firstSeenAt: Date;
  declare lastSeenAt: Date;
  declare trustedUntil: Date | null;
}

export const presentSession = (session: Session, currentId: string): Record<string, unknown> => ({
  id: session.id,
  current: session.id === currentId,
  ip: session.ip,
  user_agent: session.userAgent,
  device_id: session.deviceId,
  methods: session.methods,
  created_at: session.createdAt.toISOString(),
  last_used_at: session.lastUsedAt.toISOString(),
  expires_at: session.expiresAt.toISOString(),
  stepped_up_at: session.steppedUpAt?.toISOString() ?? null,
});

export const presentDevice = (device: Device): Record<string, unknown> => ({
  id: device.id,
  user_agent: device.userAgent,
  ip: device.ip,
  first_seen_at: device.firstSeenAt.toISOString(),
  last_seen_at: device.lastSeenAt.toISOString(),
  trusted_until: device.trustedUntil?.toISOString() ?? null,
});
