import { readFileSync } from 'node:fs';
import { buildInfo } from './metrics.js';

/** Both the source and what is compiled from it find it: two folders up from `dist`. */
const PACKAGE_FILES = ['../package.json', '../../package.json'];

function readVersion(): string {
  for (const file of PACKAGE_FILES) {
    try {
      const text = readFileSync(new URL(file, import.meta.url), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch {
      // It is the other one.
    }
  }
  return 'unknown';
}

/**
 * Keeps the metric of what runs.
 * @param service as in the log, such as `api`
 * @param commit  BUILD_COMMIT
 */
export const tellBuild = (service: string, commit: string): void =>
  buildInfo.set({ service, version: readVersion(), commit, node: process.version }, 1);
