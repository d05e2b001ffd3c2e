import type { Language } from './events.js';
import type { InEachLanguage } from './language.js';

/** The product's own terms, as they stand in rows and on the wire. */
const WORDS: readonly (readonly [term: string, words: InEachLanguage<string>])[] = [
  ['buy', { en: 'buy', fr: 'achat' }],
  ['sell', { en: 'sell', fr: 'vente' }],
  // Types of orders
  ['market', { en: 'market', fr: 'au marché' }],
  ['limit', { en: 'limit', fr: 'à cours limité' }],
  ['stop', { en: 'stop', fr: 'stop' }],
  ['stop_limit', { en: 'stop limit', fr: 'stop à cours limité' }],
  ['trailing_stop', { en: 'trailing stop', fr: 'stop suiveur' }],
  // Their status
  ['accepted', { en: 'accepted', fr: 'accepté' }],
  ['held', { en: 'held', fr: 'en attente' }],
  ['new', { en: 'new', fr: 'en carnet' }],
  ['partially_filled', { en: 'partially filled', fr: 'partiellement exécuté' }],
  ['filled', { en: 'filled', fr: 'exécuté' }],
  ['canceled', { en: 'canceled', fr: 'annulé' }],
  ['replaced', { en: 'replaced', fr: 'remplacé' }],
  ['expired', { en: 'expired', fr: 'expiré' }],
  ['rejected', { en: 'rejected', fr: 'rejeté' }],
  // Why an order ended
  [
    'fok_not_filled',
    {
      en: 'could not be filled at once as a whole',
      fr: 'exécution immédiate et totale impossible',
    },
  ],
  [
    'ioc_rest',
    { en: 'the rest could not be filled at once', fr: 'reste non exécutable immédiatement' },
  ],
  ['no_liquidity', { en: 'nobody was on the other side', fr: 'aucune contrepartie' }],
  ['notional_too_small', { en: 'the amount is too small', fr: 'montant trop faible' }],
  [
    'price_band',
    { en: 'outside of the price band', fr: 'hors de la fourchette de cours autorisée' },
  ],
  [
    'self_trade',
    {
      en: 'it would have traded with an order of your own',
      fr: 'aurait été exécuté contre un de vos ordres',
    },
  ],
  ['kill_switch', { en: 'trading was stopped', fr: 'négociation suspendue' }],
  [
    'group',
    { en: 'another order of its group ended it', fr: 'un autre ordre du groupe y a mis fin' },
  ],
  ['market_closed', { en: 'the market closed', fr: 'clôture du marché' }],
  ['internal_error', { en: 'an error of ours', fr: 'erreur de notre part' }],
  ['requested', { en: 'you asked for it', fr: 'à votre demande' }],
  // Why a transfer failed
  ['insufficient_funds', { en: 'insufficient funds', fr: 'provision insuffisante' }],
  ['account_closed', { en: 'account closed', fr: 'compte fermé' }],
  ['late_failure', { en: 'late failure', fr: 'échec tardif' }],
  ['charged_back', { en: 'charged back', fr: 'rétrofacturé' }],
  // What else mails name
  ['deposit', { en: 'deposit', fr: 'dépôt' }],
  ['withdrawal', { en: 'withdrawal', fr: 'retrait' }],
  ['read', { en: 'read', fr: 'consulter' }],
  ['trade', { en: 'trade', fr: 'négocier' }],
  ['admin', { en: 'admin', fr: 'administrateur' }],
  ['ops', { en: 'ops', fr: 'opérations' }],
  ['compliance', { en: 'compliance', fr: 'conformité' }],
];

/** A map: what a client wrote must not be found in an object's prototype. */
const KNOWN: ReadonlyMap<string, InEachLanguage<string>> = new Map(WORDS);

const TERM = /^[a-z0-9_]+$/;

/** A term of the product in a language; what is none, such as what staff wrote, is left as it is. */
export function wordIn(language: Language, term: string): string {
  const known = KNOWN.get(term.replaceAll(' ', '_'));
  if (known) return known[language];
  return TERM.test(term) ? term.replaceAll('_', ' ') : term;
}

/** What the product says in place of a term, in English. */
const SENTENCES: readonly (readonly [pattern: RegExp, french: string])[] = [
  [/^An authenticator app was set up\.$/, 'Une application d’authentification a été configurée.'],
  [
    /^Every login asks for a code by mail from now on\.$/,
    'Chaque connexion demandera désormais un code envoyé par e-mail.',
  ],
  [/^A passkey was added: ([^]*)\.$/, 'Une clé d’accès a été ajoutée : $1.'],
  [/^New recovery codes were made\.$/, 'De nouveaux codes de secours ont été créés.'],
  [/^A second factor was taken away\.$/, 'Un second facteur a été retiré.'],
  [/^an unknown program$/, 'un programme inconnu'],
  [/^your bank account (\(\.\.\.\w+\))$/, 'votre compte bancaire $1'],
];

/** One of the product's sentences in a language; any other is left as it is. */
export function sentenceIn(language: Language, sentence: string): string {
  if (language === 'en') return sentence;
  const known = SENTENCES.find(([pattern]) => pattern.test(sentence));
  return known ? sentence.replace(known[0], known[1]) : sentence;
}
