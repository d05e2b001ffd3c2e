import type { Knex } from 'knex';
import type { ApprovalKind } from '../approvals/kinds.js';
import type { Approval } from '../approvals/model.js';
import type { Approvals, Author } from '../approvals/service.js';
import { formatDecimal, PRICE_SCALE } from '../domain/money.js';
import { transfersMoved } from './metrics.js';
import type { Direction } from './transfer-model.js';
import { requireReversible, reverseTransfer } from './reverse-transfer.js';

export interface ReversalDeps {
  /** Told that there are mails to send. Must neither wait nor throw. */
  readonly nudgeNotifications: () => void;
  readonly now: () => Date;
}

/** A reversal that waits: decimals as text. */
export interface WantedReversal {
  readonly [other: string]: unknown;
  readonly transfer_id: string;
  readonly account_id: string;
  readonly client_id: string;
  readonly direction: Direction;
  readonly amount: string;
}

const NAMES: Record<Direction, string> = { incoming: 'deposit', outgoing: 'withdrawal' };
const OFFICERS = ['compliance', 'admin'] as const;

/** Taking back money that has moved already. */
export const reversalKind = ({
  nudgeNotifications,
  now,
}: ReversalDeps): ApprovalKind<WantedReversal> => ({
  ...REVERSAL,
  requesters: OFFICERS,
  approvers: OFFICERS,
  describe: ({ account_id, direction, amount }) =>
    `Take back the ${NAMES[direction]} of ${amount} USD of account ${account_id}`,
  subjectOf: ({ transfer_id, account_id, client_id }) => ({ transfer_id, account_id, client_id }),
  async execute(trx, { transfer_id: id }, { by, reason }, afterCommit) {
    const transfer = await reverseTransfer(trx, { id, by, reason }, now());
    afterCommit(() => {
      transfersMoved.inc({ direction: transfer.direction, status: 'returned' });
      nudgeNotifications();
    });
    return { transfer_id: id, owed: formatDecimal(transfer.owed, PRICE_SCALE) };
  },
});

/** What a request names. */
export const REVERSAL: Pick<ApprovalKind<WantedReversal>, 'kind'> = { kind: 'transfer.reverse' };

/**
 * Asks for a reversal.
 * @throws DomainError 404 when there is no such transfer; 403 for the actor's own; 422 when it is not
 *   settled
 */
export async function askToReverse(
  trx: Knex.Transaction,
  approvals: Approvals,
  id: string,
  author: Author,
): Promise<Approval> {
  const { transfer } = await requireReversible(trx, id, author.by);
  const { accountId, clientId, direction, amount } = transfer;
  const wanted: WantedReversal = {
    transfer_id: id,
    account_id: accountId,
    client_id: clientId,
    direction,
    amount: formatDecimal(amount, PRICE_SCALE),
  };
  return approvals.request(trx, REVERSAL, wanted, author);
}
