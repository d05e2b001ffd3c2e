import { expect } from 'chai';
import fc from 'fast-check';
import { isIban, isRoutingNumber, normalizeIban } from '../../src/domain/bank-numbers.js';
import {
  eventsInTurn,
  judgeEvent,
  PROVIDER_EVENTS,
  splitReturn,
  type ProviderEventType,
  type TransferStatus,
} from '../../src/domain/transfer-state.js';
import { behaviourFor, BEHAVIOURS } from '../../src/payment-provider/behaviour.js';

interface Event {
  sequence: number;
  type: ProviderEventType;
}

/** A transfer that was sent, after whatever has arrived, in the order in which it arrived. */
function outcomeOf(arrivals: readonly Event[]): { status: TransferStatus; moves: string[] } {
  const received: Event[] = [];
  const moves: string[] = [];
  let status: TransferStatus = 'sent';
  let last = 0;
  for (const event of arrivals) {
    if (received.some(({ sequence }) => sequence === event.sequence)) continue;
    received.push(event);
    for (const { sequence, type } of eventsInTurn(last, received)) {
      const verdict = judgeEvent(status, type);
      if (verdict.kind === 'moves') moves.push((status = verdict.to));
      last = sequence;
    }
  }
  return { status, moves };
}

const numbered = (types: readonly ProviderEventType[]): Event[] =>
  types.map((type, index) => ({ type, sequence: index + 1 }));

describe("a transfer's state", () => {
  it('is settled or failed by the provider, and may come back', () => {
    expect(outcomeOf(numbered(['accepted', 'settled'])).status).to.equal('settled');
    expect(outcomeOf(numbered(['accepted', 'failed'])).status).to.equal('failed');
    expect(outcomeOf(numbered(['failed'])).status).to.equal('failed');
    const back = outcomeOf(numbered(['accepted', 'settled', 'returned']));
    expect(back.moves).to.deep.equal(['settled', 'returned']);
  });

  it('never leaves an end but a settled one, which comes back once', () => {
    const moves = (status: TransferStatus) =>
      PROVIDER_EVENTS.filter((type) => judgeEvent(status, type).kind === 'moves');
    expect(moves('sent')).to.deep.equal(['settled', 'failed']);
    expect(moves('settled')).to.deep.equal(['returned']);
    for (const end of ['queued', 'failed', 'canceled', 'returned'] as const) {
      expect(moves(end), end).to.deep.equal([]);
    }
  });

  it('contradicts itself when it fails after it settled, settles after it failed, or was never sent', () => {
    const contradicts = (status: TransferStatus) =>
      PROVIDER_EVENTS.filter((type) => judgeEvent(status, type).kind === 'contradiction');
    expect(contradicts('sent')).to.deep.equal(['returned']);
    expect(contradicts('settled')).to.deep.equal(['failed']);
    expect(contradicts('failed')).to.deep.equal(['settled', 'returned']);
    expect(contradicts('returned')).to.deep.equal(['settled', 'failed']);
    expect(contradicts('queued')).to.deep.equal(PROVIDER_EVENTS);
    expect(contradicts('canceled')).to.deep.equal(PROVIDER_EVENTS);
  });

  it('is the same in whatever order and however often the events arrive', () => {
    const types = fc.array(fc.constantFrom(...PROVIDER_EVENTS), { minLength: 1, maxLength: 6 });
    const story = types.chain((list) => {
      const events = numbered(list);
      const again = fc.array(fc.constantFrom(...events), { maxLength: 12 });
      return fc.record({
        events: fc.constant(events),
        arrivals: again.chain((more) =>
          fc.shuffledSubarray([...events, ...more], {
            minLength: events.length + more.length,
          }),
        ),
      });
    });
    fc.assert(
      fc.property(story, ({ events, arrivals }) => {
        expect(outcomeOf(arrivals)).to.deep.equal(outcomeOf(events));
      }),
    );
  });

  it('waits at a gap for the event that is missing', () => {
    const [accepted, settled, returned] = numbered(['accepted', 'settled', 'returned']);
    expect(outcomeOf([settled!, returned!]).status).to.equal('sent');
    expect(outcomeOf([settled!, returned!, accepted!]).status).to.equal('returned');
  });

  it('takes of a deposit that came back what is free, and the rest is owed', () => {
    const account = { cash: 100n, cashHeld: 30n };
    expect(splitReturn(50n, account)).to.deep.equal({ taken: 50n, owed: 0n });
    expect(splitReturn(100n, account)).to.deep.equal({ taken: 70n, owed: 30n });
    expect(splitReturn(9n, { cash: 5n, cashHeld: 5n })).to.deep.equal({ taken: 0n, owed: 9n });
  });
});

describe("the provider's behaviour", () => {
  it('is told by the cents of the amount, and is to settle at once for all others', () => {
    expect(behaviourFor(1_000_000n).cents).to.equal(0);
    expect(behaviourFor(1_000_200n).summary).to.match(/insufficient funds/);
    expect(behaviourFor(1_009_900n).cents).to.equal(0);
    expect(new Set(BEHAVIOURS.map(({ cents }) => cents)).size).to.equal(BEHAVIOURS.length);
  });
});

describe('numbers of bank accounts', () => {
  it('are IBANs by their check digits, however they are written', () => {
    for (const good of [
      'DE89 3704 0044 0532 0130 00',
      'gb29nwbk60161331926819',
      'NO9386011117947',
    ]) {
      expect(isIban(normalizeIban(good)), good).to.equal(true);
    }
    for (const bad of [
      'DE88370400440532013000',
      'DE8937040044053201300',
      'XX00',
      '',
      'DE89-3704',
    ]) {
      expect(isIban(normalizeIban(bad)), bad).to.equal(false);
    }
  });

  it('are routing numbers by their check digit', () => {
    for (const good of ['021000021', '011401533', '322271627']) {
      expect(isRoutingNumber(good), good).to.equal(true);
    }
    for (const bad of ['021000022', '02100002', '0210000210', '000000000', 'abcdefghi']) {
      expect(isRoutingNumber(bad), bad).to.equal(false);
    }
  });

  it('are refused when any one digit of them is another one', () => {
    const iban = 'DE89370400440532013000';
    const place = fc.integer({ min: 2, max: iban.length - 1 });
    fc.assert(
      fc.property(place, fc.integer({ min: 1, max: 9 }), (index, add) => {
        const digit = (Number(iban[index]) + add) % 10;
        expect(isIban(iban.slice(0, index) + String(digit) + iban.slice(index + 1))).to.equal(
          false,
        );
      }),
    );
  });
});
