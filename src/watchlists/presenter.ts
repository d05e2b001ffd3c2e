import { presentAsset } from '../assets/presenter.js';
import type { Watchlist } from './model.js';
import type { FilledWatchlist } from './service.js';

/** A watchlist in Alpaca's wire format, without its assets: so it stands in the list of all. */
export const presentWatchlist = (watchlist: Watchlist) => ({
  id: watchlist.id,
  account_id: watchlist.accountId,
  name: watchlist.name,
  created_at: watchlist.createdAt.toISOString(),
  updated_at: watchlist.updatedAt.toISOString(),
});

export const presentFilledWatchlist = ({ watchlist, assets }: FilledWatchlist) => ({
  ...presentWatchlist(watchlist),
  assets: assets.map(presentAsset),
});
