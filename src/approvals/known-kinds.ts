import { adjustmentKind } from '../admin/adjustments/service.js';
import {
  staffChangeKind,
  staffCreateKind,
  type StaffKindsDeps,
} from '../admin/staff-members/approvals.js';
import { reversalKind, type ReversalDeps } from '../funding/reversal-approval.js';
import { limitsDeleteKind, limitsSetKind } from '../risk/limit-approvals.js';
import type { ApprovalKind } from './kinds.js';

/** Everything that takes two people. A kind that is missing here cannot be asked for. */
export const knownKinds = (deps: StaffKindsDeps & ReversalDeps): readonly ApprovalKind[] => [
  limitsSetKind,
  limitsDeleteKind,
  adjustmentKind,
  staffCreateKind(deps),
  staffChangeKind,
  reversalKind(deps),
];
