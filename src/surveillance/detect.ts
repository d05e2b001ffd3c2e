import { findLayering } from '../domain/layering.js';
import { findMessageBurst } from '../domain/message-bursts.js';
import { findRoundTrips } from '../domain/round-trips.js';
import type { Finding, Thresholds, Window } from '../domain/surveillance.js';
import { findWashTrades } from '../domain/wash-trades.js';
import type { WindowView } from './window-reader.js';

/** What the detectors find in a window; concentration comes when its volumes are added up. */
export const detect = (view: WindowView, window: Window, thresholds: Thresholds): Finding[] => [
  ...findWashTrades(view.linkedTrades, view.links, window, thresholds),
  ...findRoundTrips(view.flatTrades, window),
  ...view.activities.flatMap((activity) => [
    ...findLayering(activity, window, thresholds),
    ...findMessageBurst(activity, window, thresholds),
  ]),
];
