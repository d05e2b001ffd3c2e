import type { ApprovalKind } from '../../approvals/kinds.js';
import type { OneTimeCodes } from '../../identity/one-time-codes.js';
import type { Sealer } from '../../identity/sealer.js';
import { enqueueMail } from '../../notifications/mails.js';
import type { NewMember } from './model.js';
import { changeMember, createMember, type Standing } from './service.js';

export interface StaffKindsDeps {
  readonly codes: OneTimeCodes;
  readonly sealer: Sealer;
  /** Told that there are mails to send. Must neither wait nor throw. */
  readonly nudgeNotifications: () => void;
}

export interface WantedMember extends NewMember {
  readonly [other: string]: unknown;
}

export interface WantedStanding {
  readonly [other: string]: unknown;
  readonly client_id: string;
  /** For the reader. */
  readonly email: string;
  readonly from: Standing;
  readonly to: Standing;
}

const ADMINS = ['admin'] as const;

/** Somebody who joins; their invitation goes out with the approval. */
export const staffCreateKind = ({
  codes,
  sealer,
  nudgeNotifications,
}: StaffKindsDeps): ApprovalKind<WantedMember> => ({
  kind: STAFF_CREATE.kind,
  requesters: ADMINS,
  approvers: ADMINS,
  describe: ({ first_name, last_name, email, role }) =>
    `Take on ${first_name} ${last_name} (${email}) as ${role}`,
  subjectOf: () => ({}),
  async execute(trx, { email, first_name, last_name, role }, approved, afterCommit) {
    const wanted = { email, first_name, last_name, role };
    const { member, code } = await createMember(trx, codes, wanted, approved);
    await enqueueMail(trx, sealer, {
      kind: 'staff_invitation',
      to: email,
      clientId: member.id,
      data: { first_name, role },
      secret: code.token,
      expiresAt: code.expiresAt,
    });
    afterCommit(nudgeNotifications);
    return { client_id: member.id };
  },
});

/** Another role, or somebody who may not log in any more, or again. */
export const staffChangeKind: ApprovalKind<WantedStanding> = {
  kind: 'staff.change',
  requesters: ADMINS,
  approvers: ADMINS,
  describe: ({ email, from, to }) => `Change ${email} from ${inWords(from)} to ${inWords(to)}`,
  subjectOf: ({ client_id }) => ({ client_id }),
  async execute(trx, { client_id: id, from, to }, approved) {
    const member = await changeMember(trx, id, from, to, approved);
    return { role: member.role, active: member.status === 'active' };
  },
};

/** What a request names. */
export const STAFF_CREATE: Pick<ApprovalKind<WantedMember>, 'kind'> = { kind: 'staff.create' };

const inWords = ({ role, active }: Standing): string => (active ? role : `${role}, not active`);
