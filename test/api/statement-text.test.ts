import { expect } from 'chai';
import { dollars, printable, quantity } from '../../src/statements/pdf-text.js';

describe("the text of a statement's PDF", () => {
  it('shows money with cents, or with all four digits where cents are not enough', () => {
    const shown = [0n, 10_000n, -15_500_000n, 12_345_678_900_500n, 1n, -2_050n].map(dollars);
    expect(shown).to.deep.equal([
      '0.00',
      '1.00',
      '-1,550.00',
      '1,234,567,890.05',
      '0.0001',
      '-0.2050',
    ]);
  });

  it('shows quantities without zeros at the end', () => {
    const shown = [1_010_000_000_000n, 1_234_567_891n, -1_234_567_500_000_000n].map(quantity);
    expect(shown).to.deep.equal(['1,010', '1.234567891', '-1,234,567.5']);
  });

  it('keeps what the fonts can show, and takes accents off what they cannot', () => {
    expect(printable('Zoë Müller – “€5”')).to.equal('Zoë Müller – “€5”');
    expect(printable('Łukasz Dvořák')).to.equal('Lukasz Dvorák');
    expect(printable('李\n😀')).to.equal('???');
  });
});
