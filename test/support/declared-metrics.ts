import { readdir } from 'node:fs/promises';
import { collectDefaultMetrics, register, Registry } from 'prom-client';

/**
 * A program: prints the metrics of the product, as its modules declare them, and those of every Node
 * process, as JSON. A process of its own, for each may declare them but once.
 */
const SRC = new URL('../../src/', import.meta.url);

const files = (await readdir(SRC, { recursive: true })).filter((one) => /\bmetrics\.ts$/.test(one));
for (const file of files) await import(new URL(file, SRC).href);
const ofNode = new Registry();
collectDefaultMetrics({ register: ofNode });
const metrics = [...register.getMetricsAsArray(), ...ofNode.getMetricsAsArray()];
process.stdout.write(
  JSON.stringify(metrics.map(({ name, type, aggregator }) => ({ name, type, aggregator }))),
);
process.exit(0); // default metrics keep observing
