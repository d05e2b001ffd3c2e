/** Whether the client whom an entry is about reads it, too. */
interface ActionRule {
  readonly shownToClient: boolean;
}

const SHOWN: ActionRule = { shownToClient: true };
const HOUSE_ONLY: ActionRule = { shownToClient: false };

/**
 * Every act that the audit log knows; permanent strings, they are in its records. What the house
 * does about a client's risk, or suspects, is not for the client to read.
 */
export const AUDIT_ACTIONS = {
  'limits.set': HOUSE_ONLY,
  'limits.delete': HOUSE_ONLY,
  'halt.set': HOUSE_ONLY,
  'halt.lift': HOUSE_ONLY,
  'kill_switch.set': SHOWN,
  'kill_switch.lift': SHOWN,
  'restriction.set': SHOWN,
  'restriction.lift': SHOWN,
  'price_band.set': HOUSE_ONLY,
  'login.refused': SHOWN,
  'second_factor.refused': SHOWN,
  'second_factor.code_sent': SHOWN,
  'session.opened': SHOWN,
  'session.stepped_up': SHOWN,
  'session.token_reused': SHOWN,
  'session.ended': SHOWN,
  'device.trusted': SHOWN,
  'device.removed': SHOWN,
  'second_factor.added': SHOWN,
  'second_factor.removed': SHOWN,
  'recovery_codes.made': SHOWN,
  'api_key.created': SHOWN,
  'api_key.changed': SHOWN,
  'api_key.revoked': SHOWN,
  'approval.requested': HOUSE_ONLY,
  'approval.approved': HOUSE_ONLY,
  'approval.rejected': HOUSE_ONLY,
  'approval.withdrawn': HOUSE_ONLY,
  'approval.expired': HOUSE_ONLY,
  'approval.failed': HOUSE_ONLY,
  'adjustment.posted': SHOWN,
  'client.viewed': HOUSE_ONLY,
  'client.searched': HOUSE_ONLY,
  'client.suspended': SHOWN,
  'client.reactivated': SHOWN,
  'client.closed': SHOWN,
  'staff.created': HOUSE_ONLY,
  'staff.changed': HOUSE_ONLY,
  'client.signed_up': SHOWN,
  'client.sign_up_refused': HOUSE_ONLY,
  'client.sign_up_closed': SHOWN,
  'client.code_sent': SHOWN,
  'client.code_refused': SHOWN,
  'client.verified': SHOWN,
  'client.details_changed': SHOWN,
  'client.document_added': SHOWN,
  'client.document_shared': HOUSE_ONLY,
  'kyc.approved': SHOWN,
  'kyc.rejected': SHOWN,
  'password.reset_asked': SHOWN,
  'password.reset': SHOWN,
  'password.changed': SHOWN,
  'password.change_refused': SHOWN,
  'email.change_asked': SHOWN,
  'email.changed': SHOWN,
  'email.undeliverable': SHOWN,
  'email.deliverable_again': SHOWN,
  'audit.searched': HOUSE_ONLY,
  'bank_account.add': SHOWN,
  'bank_account.remove': SHOWN,
  'transfer.request': SHOWN,
  'transfer.refuse': SHOWN,
  'transfer.cancel': SHOWN,
  'transfer.submit': SHOWN,
  'transfer.settle': SHOWN,
  'transfer.fail': SHOWN,
  'transfer.return': SHOWN,
  'transfer.reverse': SHOWN,
  'transfer.recover': SHOWN,
  'transfer.contradiction': HOUSE_ONLY,
  'asset.routing_set': HOUSE_ONLY,
  'venue_route.closed': HOUSE_ONLY,
  'venue_route.dispute_resolved': HOUSE_ONLY,
  'venue.contradiction': HOUSE_ONLY,
  'webhook.created': SHOWN,
  'webhook.changed': SHOWN,
  'webhook.secret_rotated': SHOWN,
  'webhook.replayed': SHOWN,
  'webhook.redriven': SHOWN,
  'webhook.deleted': SHOWN,
  'webhook.disabled': SHOWN,
  'notification.preferences_changed': SHOWN,
  'notification.redriven': HOUSE_ONLY,
  'case.opened': HOUSE_ONLY,
  'case.finding_added': HOUSE_ONLY,
  'case.note_added': HOUSE_ONLY,
  'case.changed': HOUSE_ONLY,
} as const satisfies Readonly<Record<string, ActionRule>>;

export type AuditAction = keyof typeof AUDIT_ACTIONS;

export const auditActions = Object.keys(AUDIT_ACTIONS) as AuditAction[];

export const actionsShownToClients = auditActions.filter(
  (action) => AUDIT_ACTIONS[action].shownToClient,
);
