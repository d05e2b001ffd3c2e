import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { Batch } from '../../src/batch.js';

describe('a batch', () => {
  /** Every call with its keys, to be ended by the test. */
  interface Call {
    keys: string[];
    end: () => void;
    fail: (error: Error) => void;
  }
  let calls: Call[];
  let batch: Batch<string>;

  beforeEach(() => {
    calls = [];
    batch = new Batch(
      (keys) =>
        new Promise((resolve, reject) => {
          const end = () => resolve(keys.map((key) => `${key} of call ${calls.length}`));
          calls.push({ keys, end, fail: reject });
        }),
    );
  });

  const askedBy = async (count: number): Promise<void> => {
    while (calls.length < count) await sleep(1);
  };

  it('asks once for what is asked in one turn of the event loop, and for each key once', async () => {
    const answers = Promise.all(['a', 'b', 'a'].map((key) => batch.ask(key)));
    expect(calls).to.deep.equal([]);
    await askedBy(1);
    calls[0]!.end();
    expect(await answers).to.deep.equal(['a of call 1', 'b of call 1', 'a of call 1']);
    expect(calls.map(({ keys }) => keys)).to.deep.equal([['a', 'b']]);
  });

  it('asks anew for what is asked while a call is under way, when that is over', async () => {
    const first = batch.ask('a');
    await askedBy(1);
    const later = Promise.all([batch.ask('a'), batch.ask('b')]);
    await sleep(5);
    expect(calls).to.have.lengthOf(1);
    calls[0]!.end();
    expect(await first).to.equal('a of call 1');
    await askedBy(2);
    calls[1]!.end();
    expect(await later).to.deep.equal(['a of call 2', 'b of call 2']);
  });

  it('does not wait for long for a call that is slow', async () => {
    const slow = batch.ask('a');
    await askedBy(1);
    const later = batch.ask('b');
    await askedBy(2);
    calls[1]!.end();
    expect(await later).to.equal('b of call 2');
    const last = batch.ask('c');
    await askedBy(3);
    calls[2]!.end();
    await last;
    calls[0]!.end();
    expect(await slow).to.equal('a of call 3');
  });

  it('tells all who asked of a failure, and goes on', async () => {
    const answers = Promise.allSettled([batch.ask('a'), batch.ask('b')]);
    await askedBy(1);
    calls[0]!.fail(new Error('away'));
    const outcomes = await answers;
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected']);
    const again = batch.ask('a');
    await askedBy(2);
    calls[1]!.end();
    expect(await again).to.equal('a of call 2');
  });
});
