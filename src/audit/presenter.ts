import type { AuditEntry, ProvableEntry } from './entries.js';

/** As staff read it. Entries of earlier versions lack what was not recorded then. */
export const presentEntry = ({ id, seq, hash, actor, origin, ...entry }: AuditEntry) => ({
  id,
  seq: Number(seq),
  hash: hash.toString('hex'),
  occurred_at: entry.occurred_at,
  action: entry.action,
  actor: {
    kind: actor.kind,
    client_id: actor.client_id,
    role: actor.role ?? null,
    credential: actor.credential ?? null,
  },
  origin: {
    ip: origin.ip,
    user_agent: origin.user_agent ?? null,
    request_id: origin.request_id,
  },
  subject: entry.subject,
  before: entry.before,
  after: entry.after,
  reason: entry.reason,
});

/** With what its hash can be computed from. */
export const presentProvable = (entry: ProvableEntry) => ({
  ...presentEntry(entry),
  content: entry.content,
  previous_hash: entry.previous_hash.toString('hex'),
});

/** As the client reads it whom it is about: of us not who, nor from where, nor why. */
export function presentOwnEntry(entry: AuditEntry, clientId: string) {
  const by = authorFor(entry, clientId);
  const isOurs = by.kind === 'staff' || by.kind === 'system';
  const show = (members: AuditEntry['before']) => (isOurs ? withoutOurs(members) : members);
  return {
    id: entry.id,
    occurred_at: entry.occurred_at,
    action: entry.action,
    by,
    ip: isOurs ? null : entry.origin.ip,
    user_agent: isOurs ? null : (entry.origin.user_agent ?? null),
    subject: entry.subject,
    before: show(entry.before),
    after: show(entry.after),
  };
}

function authorFor({ actor }: AuditEntry, clientId: string) {
  if (actor.kind === 'system') return { kind: 'system', name: 'BrokerX+' } as const;
  if (actor.client_id === clientId) {
    return { kind: 'you', name: actor.kind === 'program' ? 'Your API key' : 'You' } as const;
  }
  return actor.kind === 'anonymous'
    ? ({ kind: 'anonymous', name: 'Somebody who was not logged in' } as const)
    : ({ kind: 'staff', name: 'BrokerX+ staff' } as const);
}

/** A reason is written for colleagues, and `created_by` and the like name one of them. */
const OURS = /^reason$|^note$|_reason$|_note$|_by$/;

function withoutOurs(members: AuditEntry['before']): AuditEntry['before'] {
  if (members === null) return null;
  return Object.fromEntries(Object.entries(members).filter(([name]) => !OURS.test(name)));
}
