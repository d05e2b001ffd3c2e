import { expect } from 'chai';
import { findLayering } from '../../src/domain/layering.js';
import { findMessageBurst } from '../../src/domain/message-bursts.js';
import { activity, fill, order, THRESHOLDS, WINDOW } from './surveillance-cases.js';

const SHARE = 1_000_000_000n;

describe('layering', () => {
  const find = (...[orders, fills]: Parameters<typeof activity>) =>
    findLayering(activity(orders, fills), WINDOW, THRESHOLDS);
  const layers = (count: number, more = {}) =>
    Array.from({ length: count }, (_, n) => order('buy', 5 + n, 20 + n, more));

  it('is orders on one side, withdrawn right after an execution on the other', () => {
    const [finding, ...others] = find(layers(4), [fill('sell', 15)]);
    expect(others).to.deep.equal([]);
    expect(finding).to.include({ kind: 'layering', rule: 'buy_side' });
    expect(finding!.figures).to.include({
      withdrawn_orders: 4,
      withdrawn_qty: '400',
      ratio: '8.00',
    });
    expect(finding!.evidence.map(({ subject }) => subject)).to.deep.equal([
      'execution',
      ...Array.from({ length: 4 }, () => 'order'),
    ]);
  });

  it('is one order again and again, too', () => {
    const orders = [0, 12, 24, 36].map((at) => order('sell', at, at + 8, { qty: 500n * SHARE }));
    expect(
      find(
        orders,
        [4, 16, 28, 40].map((at) => fill('buy', at)),
      ),
    ).to.have.lengthOf(1);
  });

  it('is not fewer orders than the threshold', () => {
    expect(find(layers(3), [fill('sell', 15)])).to.have.lengthOf(0);
  });

  it('needs an execution on the other side, while the orders were there', () => {
    expect(find(layers(4))).to.have.lengthOf(0);
    expect(find(layers(4), [fill('buy', 15)])).to.have.lengthOf(0);
    expect(find(layers(4), [fill('sell', 4)])).to.have.lengthOf(0);
    expect(find(layers(4), [fill('sell', 30)])).to.have.lengthOf(0);
  });

  it('is not orders that stay long after the execution, or that executed themselves', () => {
    const later = layers(4).map((one) => ({ ...one, closedAt: new Date(+one.closedAt! + 35_000) }));
    expect(find(later, [fill('sell', 15)])).to.have.lengthOf(0);
    expect(find(layers(4, { filledQty: 50n * SHARE }), [fill('sell', 15)])).to.have.lengthOf(0);
  });

  it('is not the quoting of both sides: as much is withdrawn as was offered', () => {
    const fills = [15, 16, 17, 18].map((at) => fill('sell', at, { orderQty: 100n * SHARE }));
    expect(find(layers(4), fills)).to.have.lengthOf(0);
  });

  it('is not what somebody does whose other orders of that side stay', () => {
    const staying = Array.from({ length: 4 }, () => order('buy', 1, null));
    expect(find([...layers(4), ...staying], [fill('sell', 15)])).to.have.lengthOf(0);
  });

  it('belongs to the window in which orders were withdrawn', () => {
    const earlier = layers(4).map((one) => ({
      ...one,
      createdAt: new Date(+one.createdAt - 60_000),
      closedAt: new Date(+one.closedAt! - 60_000),
    }));
    expect(find(earlier, [fill('sell', -45)])).to.have.lengthOf(0);
  });
});

describe('a burst of messages', () => {
  const find = (orders: Parameters<typeof activity>[0]) =>
    findMessageBurst(activity(orders), WINDOW, THRESHOLDS);
  const stuffing = (count: number, everyMs: number, more = {}) =>
    Array.from({ length: count }, (_, n) => {
      const at = 10 + (n * everyMs) / 1_000;
      return order('buy', at, at + 0.05, more);
    });

  it('is many orders and cancellations within ten seconds', () => {
    const [finding] = find(stuffing(50, 100));
    expect(finding).to.include({ kind: 'message_burst' });
    expect(finding!.figures).to.include({ messages: 100, orders: 50, withdrawn: 50, traded: 0 });
    expect(find(stuffing(49, 100))).to.have.lengthOf(0);
  });

  it('is not as many over a longer time', () => {
    expect(find(stuffing(100, 400))).to.have.lengthOf(0);
  });

  it('is not an algorithm whose orders trade, nor replacements of one order', () => {
    expect(find(stuffing(100, 50, { filledQty: SHARE }))).to.have.lengthOf(0);
    expect(find(stuffing(120, 50, { isWithdrawn: false }))).to.have.lengthOf(0);
  });
});
