import type { Knex } from 'knex';
import type { ApprovalKind, ApprovedBy } from '../../approvals/kinds.js';
import type { Approval } from '../../approvals/model.js';
import type { Approvals, Author } from '../../approvals/service.js';
import { findAsset } from '../../assets/model.js';
import { recordAct } from '../../audit/record.js';
import { formatDecimal, parseDecimal, PRICE_SCALE, QTY_SCALE } from '../../domain/money.js';
import { DomainError, invalid } from '../../errors.js';
import { ADJUSTMENTS_ACCOUNT, USD } from '../../ledger/house.js';
import { postJournals } from '../../ledger/post.js';
import type { AdjustmentBody } from './schema.js';

/** An adjustment that waits: decimals as text. */
export interface WantedAdjustment {
  readonly [other: string]: unknown;
  readonly account_id: string;
  readonly client_id: string;
  readonly asset_id: string;
  /** USD, or the asset's. */
  readonly symbol: string;
  readonly amount: string;
  /** Of shares that come in. */
  readonly cost: string | null;
}

/** What an account has of an asset, under lock: cash in 10^-4 USD, everything else in 10^-9. */
interface Balance {
  readonly owned: bigint;
  readonly held: bigint;
  readonly costBasis: bigint;
}

const SYMBOL_OF_CASH = 'USD';

/**
 * Asks for an adjustment.
 * @throws DomainError 422 for an account or asset that is not there, or a cost out of place; 409 when
 *   open orders hold what would be taken
 */
export async function askToAdjust(
  trx: Knex.Transaction,
  approvals: Approvals,
  body: AdjustmentBody,
  author: Author,
): Promise<Approval> {
  const { account_id, amount, cost } = body;
  const { client_id } = await takeClientAccount(trx, account_id);
  const asset = await findAnyAsset(trx, body.asset);
  const comesIn = asset.id !== USD && amount > 0n;
  if (amount === 0n) throw invalid('amount must not be 0');
  if (comesIn !== (cost !== undefined)) {
    throw invalid('cost must be sent for shares or coins that come in, and for nothing else');
  }
  const wanted: WantedAdjustment = {
    account_id,
    client_id,
    asset_id: asset.id,
    symbol: asset.symbol,
    amount: formatDecimal(amount, QTY_SCALE),
    cost: cost === undefined ? null : formatDecimal(cost, PRICE_SCALE),
  };
  requireFree(await lockBalance(trx, wanted), wanted);
  return approvals.request(trx, adjustmentKind, wanted, author);
}

/** A correction of what a client's account has, against the house's account for adjustments. */
export const adjustmentKind: ApprovalKind<WantedAdjustment> = {
  kind: 'adjustment.post',
  requesters: ['ops', 'compliance', 'admin'],
  approvers: ['compliance', 'admin'],
  describe: ({ account_id, symbol, amount, cost }) =>
    amount.startsWith('-')
      ? `Take ${amount.slice(1)} ${symbol} from account ${account_id}`
      : `Give ${amount} ${symbol} to account ${account_id}` +
        (cost === null ? '' : ` at a cost of ${cost} USD`),
  subjectOf: ({ account_id, client_id, asset_id, symbol }) => ({
    account_id,
    client_id,
    asset_id,
    symbol: symbol === SYMBOL_OF_CASH ? null : symbol,
  }),
  async execute(trx, wanted, approved) {
    await takeClientAccount(trx, wanted.account_id); // it may have been closed since
    const balance = await lockBalance(trx, wanted);
    requireFree(balance, wanted);
    const amount = amountOf(wanted);
    const { account_id: accountId, asset_id: assetId } = wanted;
    const [journalId] = await postJournals(trx, [
      {
        kind: 'adjustment',
        lines: [
          { accountId, assetId, amount, cost: costOf(wanted, balance) },
          { accountId: ADJUSTMENTS_ACCOUNT, assetId, amount: -amount },
        ],
      },
    ]);
    await record(trx, wanted, approved, balance, journalId!);
    return { journal_id: journalId!, ...present(wanted, balance.owned + amount) };
  },
};

const scaleOf = ({ asset_id }: WantedAdjustment): number =>
  asset_id === USD ? PRICE_SCALE : QTY_SCALE;

const amountOf = (wanted: WantedAdjustment): bigint => parseDecimal(wanted.amount, scaleOf(wanted));

/** What leaves takes its share of the cost basis with it, as a sale does (average cost). */
function costOf(wanted: WantedAdjustment, { owned, costBasis }: Balance): bigint {
  if (wanted.asset_id === USD) return 0n;
  if (wanted.cost !== null) return parseDecimal(wanted.cost, PRICE_SCALE);
  return (costBasis * amountOf(wanted)) / owned;
}

const present = (wanted: WantedAdjustment, units: bigint): Record<string, string> => ({
  [wanted.asset_id === USD ? 'cash' : 'qty']: formatDecimal(units, scaleOf(wanted)),
});

function record(
  trx: Knex.Transaction,
  wanted: WantedAdjustment,
  { by, reason, approvalId }: ApprovedBy,
  { owned }: Balance,
  journalId: string,
): Promise<void> {
  const subject = adjustmentKind.subjectOf(wanted);
  return recordAct(trx, by, {
    action: 'adjustment.posted',
    subject: { ...subject, approval_id: approvalId, journal_id: journalId },
    before: present(wanted, owned),
    after: present(wanted, owned + amountOf(wanted)),
    reason,
  });
}

/** @throws DomainError 422 when there is none that is open */
async function takeClientAccount(
  trx: Knex.Transaction,
  accountId: string,
): Promise<{ client_id: string }> {
  const account = await trx('accounts')
    .join('clients', 'clients.id', 'accounts.client_id')
    .where({ 'accounts.id': accountId, kind: 'client' })
    .whereNot('clients.status', 'closed')
    .forShare('clients') // or they could be closed before this commits
    .first<{ client_id: string } | undefined>('client_id');
  if (!account) throw invalid(`account_id was "${accountId}"; no client has such an open account`);
  return account;
}

async function findAnyAsset(knex: Knex, name: string): Promise<{ id: string; symbol: string }> {
  if (name === SYMBOL_OF_CASH) return { id: USD, symbol: SYMBOL_OF_CASH };
  const asset = await findAsset(knex, name);
  if (!asset) throw invalid(`asset was "${name}"; there is no such asset`);
  return asset;
}

/** In the global order: the position, then the account; held until the transaction ends. */
async function lockBalance(
  trx: Knex.Transaction,
  { account_id, asset_id }: WantedAdjustment,
): Promise<Balance> {
  if (asset_id !== USD) {
    const position = await trx('positions')
      .where({ account_id, asset_id })
      .forNoKeyUpdate()
      .first<Balance | undefined>({ owned: 'qty', held: 'held', costBasis: 'cost_basis' });
    return position ?? { owned: 0n, held: 0n, costBasis: 0n };
  }
  const account = await trx('accounts')
    .where({ id: account_id })
    .forNoKeyUpdate()
    .first<{ cash: bigint; held: bigint }>({ cash: 'cash', held: 'cash_held' });
  return { owned: account.cash, held: account.held, costBasis: 0n };
}

/** @throws DomainError 422 for a fraction that the asset does not have, 409 for what is not free */
function requireFree({ owned, held }: Balance, wanted: WantedAdjustment): void {
  const amount = readAmount(wanted);
  if (amount > 0n || owned + amount >= held) return;
  const text = (units: bigint) => formatDecimal(units, scaleOf(wanted));
  throw new DomainError(
    'conflict',
    40910003,
    `The account has ${text(owned)} ${wanted.symbol}, of which open orders hold ${text(held)}; ` +
      `${text(-amount)} cannot be taken`,
    { existing: text(owned), held_for_orders: text(held), available: text(owned - held) },
  );
}

function readAmount(wanted: WantedAdjustment): bigint {
  try {
    return amountOf(wanted);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalid(`amount ${error.message}`);
  }
}
