import type { Knex } from 'knex';
import {
  addUpOwners,
  findConcentration,
  isMeaningful,
  type AssetVolume,
} from '../domain/concentration.js';
import type { Finding, Thresholds, Window } from '../domain/surveillance.js';
import { executionEvidence } from '../domain/wash-trades.js';
import { unknownFindings } from './findings-store.js';
import { groupLinked } from './linked-accounts.js';
import { bindingsOf, queryRows, tradeOf, type TradeRow } from './window-reader.js';
import * as sql from './window-statements.js';

/** Of an asset; the owner of a large share is among them. */
const TRADERS_MAX = 50;
const EVIDENCE_MAX = 50;

interface VolumeRow {
  assetId: string;
  qty: bigint;
  value: bigint;
  trades: bigint;
  accounts: bigint;
}

interface TraderRow {
  assetId: string;
  accountId: string;
  bought: bigint;
  sold: bigint;
  keys: string[];
}

/**
 * Adds a window to the volumes of its day, and finds who has too large a share of them. In the
 * transaction that moves the progress on, so that a window is added once.
 */
export async function findConcentrations(
  trx: Knex.Transaction,
  window: Window,
  thresholds: Thresholds,
): Promise<Finding[]> {
  const bindings = { ...bindingsOf(window), day: dayOf(window.from), tradersMax: TRADERS_MAX };
  const traded = await queryRows<{ assetId: string }>(trx, sql.ADD_VOLUMES, bindings);
  if (traded.length === 0) return [];
  const named = { ...bindings, assets: traded.map(({ assetId }) => assetId) };
  const rows = await queryRows<VolumeRow>(trx, sql.ASSET_VOLUMES, named);
  const volumes = rows.map(volumeOf).filter(isMeaningful);
  if (volumes.length === 0) return [];
  const assets = volumes.map(({ assetId }) => assetId);
  const traders = await queryRows<TraderRow>(trx, sql.LARGEST_TRADERS, { ...named, assets });
  const times = { day: new Date(dayOf(window.from)), now: new Date(window.to.getTime() - 1) };
  const findings = volumes.flatMap((volume) => {
    const ofAsset = traders.filter(({ assetId }) => assetId === volume.assetId);
    const owners = addUpOwners(ofAsset, groupLinked(ofAsset));
    return findConcentration(volume, owners, thresholds, times);
  });
  const fresh = await unknownFindings(trx, findings);
  const supported: Finding[] = [];
  for (const finding of fresh) supported.push(await withEvidence(trx, finding, bindings));
  return supported;
}

async function withEvidence(
  trx: Knex.Transaction,
  finding: Finding,
  bindings: ReturnType<typeof bindingsOf>,
): Promise<Finding> {
  const rows = await queryRows<TradeRow>(trx, sql.TRADES_OF_ACCOUNTS, {
    ...bindings,
    asset: finding.assetId,
    accounts: finding.accountIds,
    tradesMax: EVIDENCE_MAX,
  });
  return { ...finding, evidence: rows.map(tradeOf).map(executionEvidence) };
}

const dayOf = (time: Date): string => time.toISOString().slice(0, 10);

const volumeOf = ({ assetId, qty, value, trades, accounts }: VolumeRow): AssetVolume => ({
  assetId,
  qty,
  value,
  trades: Number(trades),
  accounts: Number(accounts),
});
