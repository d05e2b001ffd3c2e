import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { withSamples } from '../../ops/docs/mail-document.js';
import {
  ACCOUNT_MAIL_SAMPLES,
  DIGEST_SAMPLE,
  MESSAGE_SAMPLES,
  toldSamples,
} from '../../ops/docs/mail-samples.js';
import { accountMail, MAIL_KINDS } from '../../src/notifications/account-mails.js';
import { LANGUAGES, type Language, type Told } from '../../src/notifications/events.js';
import { messageMail } from '../../src/notifications/message-mail.js';
import { digestMail } from '../../src/notifications/digest-mail.js';
import type { Mail } from '../../src/notifications/letter.js';

const DOCUMENT = new URL('../../docs/mails.md', import.meta.url);
const ADA = { to: 'ada@example.com', firstName: 'Ada', accountNumber: '100000042' };
const EVIL = '<script>alert("1")</script>';

const message = (told: Told, language: Language, more = {}): Mail =>
  messageMail({ ...ADA, language, ...told, ...more });
const about = (kind: (typeof MAIL_KINDS)[number], language: Language): Mail => {
  const { data = {}, secret = null } = ACCOUNT_MAIL_SAMPLES[kind];
  return accountMail({ kind, to: ADA.to, data, secret }, language);
};
/** The text that a reader of the HTML sees. */
const shown = ({ html }: Mail): string =>
  html
    .replace(/[^]*<body>/, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
/** Its words, in order; links twice in HTML are not, as their address is an attribute. */
const words = (text: string): string[] => text.split(/[\s:]+/).filter((word) => word !== '');

describe('the mail about a message', () => {
  for (const told of toldSamples()) {
    for (const language of LANGUAGES) {
      const mail = message(told, language);

      it(`${told.event} (${language}) says everything, the same in text and HTML`, () => {
        const say = (value: string) => (language === 'fr' ? value.replace('.', ',') : value);
        const amounts = Object.values(told.data).filter((value) =>
          /^-?\d+(\.\d+)?$/.test(String(value)),
        );
        const isExecuted = 'executions' in told.data && told.data.executions > 0;
        for (const amount of amounts.map(String)) {
          if (amount === '0' && !isExecuted) continue; // nothing was executed: that is not listed
          expect(words(mail.text), amount).to.include(say(amount));
        }
        expect(words(shown(mail))).to.have.members(words(mail.text));
        expect(mail.text).to.include('Ada').and.include('100000042');
      });

      it(`${told.event} (${language}) is whole, short in its lines, and names its language`, () => {
        for (const part of [mail.subject, mail.text, mail.html]) {
          expect(part).not.to.match(/undefined|null|NaN|\[object|\$\{/);
          expect(Math.max(...part.split('\n').map(({ length }) => length))).to.be.below(110);
        }
        expect(mail.html).to.include(`<html lang="${language}">`);
        expect(mail.html).not.to.match(/<img|<style|<script|style=/);
        expect(mail.to).to.equal('ada@example.com');
      });
    }

    it(`${told.event} is another one in French`, () => {
      const [english, french] = [message(told, 'en'), message(told, 'fr')];
      expect(french.subject).not.to.equal(english.subject);
      expect(french.text).to.match(/^Bonjour Ada,\n/);
      expect(english.text).to.match(/^Hello Ada,\n/);
      const paragraph = english.text.split('\n\n')[1]!;
      expect(french.text).not.to.include(paragraph);
    });

    it(`${told.event} shows what people wrote as it is, and never as HTML`, () => {
      const texts = Object.fromEntries(
        Object.entries(told.data).map(([name, value]) => {
          const free = /^(symbol|bank_account|reason|device|detail|client_order_id)$/.test(name);
          return [name, free ? EVIL : value];
        }),
      );
      const evil = { ...told, data: texts } as unknown as Told;
      for (const language of LANGUAGES) {
        const mail = message(evil, language, { firstName: EVIL });
        expect(mail.html).not.to.include('<script');
        expect(mail.html).to.include('&lt;script&gt;');
        expect(mail.text).to.include(EVIL);
      }
    });
  }

  it('does the sum of a purchase and of a sale', () => {
    const of = (event: 'order.filled' | 'order.partially_filled', language: Language) =>
      message({ event, data: MESSAGE_SAMPLES[event] }, language).text.replaceAll('\n', ' ');
    expect(of('order.filled', 'en')).to.include(
      '10 x 150.254 = 1502.54 USD. With fees of 1.5025 USD, 1504.0425 USD were taken',
    );
    expect(of('order.filled', 'fr')).to.include(
      '10 x 150,254 = 1502,54 USD. Avec 1,5025 USD de frais, 1504,0425 USD ont été prélevés',
    );
    expect(of('order.partially_filled', 'en')).to.include(
      '3 x 150.333333 (rounded) = 451 USD. Less fees of 0.451 USD, 450.549 USD were added',
    );
  });

  it('never changes a digit of large and small numbers', () => {
    const data = {
      ...MESSAGE_SAMPLES['order.filled'],
      executed_qty: '123456789.123456789',
      average_price: '0.000001',
      value: '922337203685477.5807',
      fees: '0.0001',
    };
    const french = message({ event: 'order.filled', data }, 'fr').text;
    for (const number of ['123456789,123456789', '0,000001', '922337203685477,5807', '0,0001'])
      expect(french).to.include(number);
    expect(french).to.include('922337203685477,5808 USD'); // with the fees
  });

  it('has one line as its subject, whatever a client has called things', () => {
    const data = { ...MESSAGE_SAMPLES['order.filled'], symbol: 'A\r\nBcc: eve@example.com' };
    expect(message({ event: 'order.filled', data }, 'en').subject).to.equal(
      'Bought 10 A Bcc: eve@example.com at 150.254 USD',
    );
  });

  it('leaves out the account of a client who has none', () => {
    const told = { event: 'account.rejected', data: MESSAGE_SAMPLES['account.rejected'] } as const;
    expect(message(told, 'en', { accountNumber: null }).text).not.to.match(/Account:|null/);
  });
});

describe('a mail about an account', () => {
  for (const kind of MAIL_KINDS) {
    it(`${kind} is whole in each language, with all that it needs`, () => {
      const { data = {}, secret = '' } = ACCOUNT_MAIL_SAMPLES[kind];
      const [english, french] = [about(kind, 'en'), about(kind, 'fr')];
      expect(french.subject).not.to.equal(english.subject);
      for (const mail of [english, french]) {
        for (const part of [mail.subject, mail.text, mail.html]) {
          expect(part).not.to.match(/undefined|null|NaN|\[object/);
        }
        expect(words(shown(mail))).to.have.members(words(mail.text));
        for (const part of secret.split(' ')) expect(mail.text).to.include(part);
        if (data['first_name']) expect(mail.text).to.match(/^(Hello|Bonjour) Ada,/);
      }
      expect(english.html).to.include('<html lang="en">');
      expect(french.html).to.include('<html lang="fr">');
    });
  }

  it('calls nobody by name at an address that nobody has confirmed', () => {
    for (const kind of ['verify_email', 'sign_up_exists', 'sign_up_reminder'] as const) {
      const { data = {}, secret = null } = ACCOUNT_MAIL_SAMPLES[kind];
      const mail = accountMail({ kind, to: 'x@y.z', data: { ...data, first_name: EVIL }, secret });
      expect(mail.text)
        .to.match(/^Hello,\n/)
        .and.not.include(EVIL);
    }
  });

  it('has a link that can be followed', () => {
    const link = 'https://brokerx.example/confirm/verify_email?token=SAMPLE-TOKEN';
    expect(about('verify_email', 'fr').html).to.match(
      new RegExp(`<a href="${link.replace('?', '\\?')}[^"]*">${link.replace('?', '\\?')}`),
    );
  });
});

describe('the mail about several orders', () => {
  const data = {
    ...MESSAGE_SAMPLES['order.filled'],
    value: '1502.54',
    fees: '0.3',
    executions: 3,
  };
  const filled: Told = { event: 'order.filled', data };

  it('says of each what its own mail says, and what it came to', () => {
    for (const language of LANGUAGES) {
      const mail = digestMail({ ...ADA, language }, DIGEST_SAMPLE);
      for (const one of DIGEST_SAMPLE) expect(mail.text).to.include(message(one, language).subject);
    }
    const { text, html } = digestMail({ ...ADA, language: 'fr' }, [filled, filled]);
    expect(text).to.include('  valeur 1502,54 USD, frais 0,3 USD, exécutions : 3');
    expect(html).to.include('<td align="right">1502,54</td>');
  });

  it('lists a hundred at most, and no HTML of anybody', () => {
    const many = Array.from({ length: 130 }, () => filled);
    const mail = digestMail({ ...ADA, firstName: EVIL, language: 'en' }, many);
    expect(mail.text.match(/^ {2}value /gm)).to.have.length(100);
    expect(mail.text).to.include('... and 30 more');
    expect(mail.html).not.to.include('<script>');
  });
});

describe('the document about mails', () => {
  it('shows what the templates say; `npm run docs:mails` writes it anew', async () => {
    const document = await readFile(DOCUMENT, 'utf8');
    expect(document).to.equal(withSamples(document));
  });
});
