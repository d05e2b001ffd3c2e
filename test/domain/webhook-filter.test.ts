import { expect } from 'chai';
import { knownFilters, wantsEvent } from '../../src/domain/webhook-filter.js';

const fill = { type: 'fill', isAboutOrder: true };
const settled = { type: 'transfer.settled', isAboutOrder: false };

describe('the filter of a webhook', () => {
  for (const [filters, event, expected] of [
    [['*'], fill, true],
    [['*'], settled, true],
    [['order.*'], fill, true],
    [['order.*'], settled, false],
    [['transfer.*'], settled, true],
    [['transfer.*'], fill, false],
    [['trans.*'], settled, false],
    [['fill'], fill, true],
    [['partial_fill'], fill, false],
    [['new', 'transfer.settled'], settled, true],
  ] as const) {
    it(`${filters.join()} ${expected ? 'lets' : 'does not let'} ${event.type} pass`, () => {
      expect(wantsEvent(filters, event)).to.equal(expected);
    });
  }

  it('may be everything, a group or a type, each once', () => {
    const filters = knownFilters(['transfer.settled', 'transfer.failed', 'statement.ready']);
    expect(filters).to.include.members(['*', 'order.*', 'transfer.*', 'statement.*', 'fill']);
    expect(new Set(filters)).to.have.lengthOf(filters.length);
  });
});
