import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import type { Routing } from '../domain/venue-routing.js';

/** Where the rest of an asset's marketable orders goes. */
export interface AssetRouting {
  readonly assetId: string;
  readonly symbol: string;
  readonly routing: Routing;
}

/** @returns undefined when there is no such asset */
export const findRouting = async (knex: Knex, assetId: string): Promise<AssetRouting | undefined> =>
  await knex('assets')
    .where({ id: assetId })
    .first<AssetRouting | undefined>({ assetId: 'id', symbol: 'symbol', routing: 'routing' });

/**
 * Changes where rests go from the next pass on, and records it. What is at the venue stays there until
 * that is done with it.
 */
export async function setRouting(
  trx: Knex.Transaction,
  { assetId, symbol }: Pick<AssetRouting, 'assetId' | 'symbol'>,
  routing: Routing,
  author: { readonly by: Actor; readonly reason: string },
): Promise<AssetRouting> {
  const before = await trx('assets')
    .where({ id: assetId })
    .forNoKeyUpdate()
    .first<{ routing: Routing }>('routing');
  if (before.routing !== routing) {
    await trx('assets').where({ id: assetId }).update({ routing });
    await recordAct(trx, author.by, {
      action: 'asset.routing_set',
      subject: { symbol, asset_id: assetId },
      before: { routing: before.routing },
      after: { routing },
      reason: author.reason,
    });
  }
  return { assetId, symbol, routing };
}
