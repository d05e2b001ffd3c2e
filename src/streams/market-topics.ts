import type { AssetCatalog } from '../assets/catalog.js';
import type { AssetClass } from '../market/market-days.js';
import { everySymbol, type Topic } from './market-hub.js';
import { CHANNEL_NAMES, CHANNELS, FeedError, type WantedNames } from './market-messages.js';

export const ALL = '*';

/**
 * The topics that a client's names stand for.
 * @throws FeedError 400 for a symbol that is not of this class
 */
export const topicsOf = (
  catalog: Pick<AssetCatalog, 'find'>,
  wanted: WantedNames,
  kind: AssetClass,
): Topic[] =>
  CHANNEL_NAMES.flatMap((channel) =>
    (wanted[channel] ?? []).map((name) => ({
      kind: CHANNELS[channel],
      name: name === ALL ? everySymbol(kind) : symbolOf(catalog, name, kind),
    })),
  );

function symbolOf(catalog: Pick<AssetCatalog, 'find'>, name: string, kind: AssetClass): string {
  const asset = catalog.find(name.toUpperCase());
  if (asset?.class === kind) return asset.symbol;
  const what = kind === 'crypto' ? 'a crypto pair' : 'a stock';
  throw new FeedError(400, `"${name}" is not ${what} that trades here`);
}

/** A topic's name as the client knows it. */
export const shownName = (name: string): string => (name.startsWith(ALL) ? ALL : name);
