import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { SharedGauge } from '../../src/shared-gauge.js';

describe('a gauge of what all processes share', () => {
  const STALE_AFTER_MS = 60;
  const create = (labelNames: 'queue'[] = []) => {
    const registry = new Registry();
    const config = { name: 'length', help: 'Of a queue', labelNames, registers: [registry] };
    return { gauge: new SharedGauge(config, STALE_AFTER_MS), registry };
  };

  it('tells nothing before it was measured here', async () => {
    const { registry } = create();
    expect(await registry.metrics()).not.to.match(/^length/m);
  });

  it('tells what was measured here, and no more once another process may know better', async () => {
    const { gauge, registry } = create(['queue']);
    gauge.set({ queue: 'mails' }, 7);
    expect(await registry.metrics()).to.include('length{queue="mails"} 7');
    await sleep(2 * STALE_AFTER_MS);
    expect(await registry.metrics()).not.to.match(/^length/m);
    gauge.set({ queue: 'mails' }, 0);
    expect(await registry.metrics()).to.include('length{queue="mails"} 0');
  });

  it('forgets a number without labels, too, instead of telling 0', async () => {
    const { gauge, registry } = create();
    gauge.set(3);
    expect(await registry.metrics()).to.match(/^length 3$/m);
    await sleep(2 * STALE_AFTER_MS);
    expect(await registry.metrics()).not.to.match(/^length/m);
  });
});
