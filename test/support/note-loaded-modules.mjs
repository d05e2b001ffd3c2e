import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * Loaded into the product's processes by NODE_OPTIONS: when one ends it writes which CommonJS modules it
 * has loaded (OpenTelemetry's packages are such) into DATA_DIR/loaded.
 */
const folder = join(process.env['DATA_DIR'] ?? '.', 'loaded');
const { cache } = createRequire(import.meta.url);

process.on('exit', () => {
  mkdirSync(folder, { recursive: true });
  const noted = { file: process.argv[1] ?? '', modules: Object.keys(cache) };
  writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(noted));
});
