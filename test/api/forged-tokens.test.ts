import { createHmac, generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import jwt from 'jsonwebtoken';
import { expectProblem, startApi, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('a token', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const anId = '01890000-0000-7000-8000-000000000000';
  const claims = { role: 'client', account_id: null };
  const good = (): jwt.SignOptions => ({
    algorithm: 'HS256',
    header: { alg: 'HS256', typ: 'at+jwt' },
    issuer: 'brokerx',
    audience: 'brokerx-api',
    subject: anId,
    jwtid: anId,
    expiresIn: 900,
  });
  const sign = (change: Partial<jwt.SignOptions>, payload: object = claims): string =>
    jwt.sign(payload, trading.container.config.jwtSecret, { ...good(), ...change });
  const use = (token: string) =>
    api.call('GET', '/v2/clock', { headers: { Authorization: `Bearer ${token}` } });
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

  const HEADER = { alg: 'HS256', typ: 'at+jwt' };
  const seconds = (): number => Math.floor(Date.now() / 1_000);
  const ours = (): Record<string, unknown> => ({
    ...claims,
    iss: 'brokerx',
    aud: 'brokerx-api',
    sub: anId,
    jti: anId,
    iat: seconds(),
    exp: seconds() + 60,
  });
  /** Signs texts as they are, which a library would not. */
  const sealTexts = (
    header: string,
    payload: string,
    secret = trading.container.config.jwtSecret,
  ): string => {
    const parts = [header, payload].map((part) => Buffer.from(part).toString('base64url'));
    const content = parts.join('.');
    return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
  };
  /** What our secret was used for, though we would never have signed it. */
  const seal = (header: object, changes: object = {}): string =>
    sealTexts(JSON.stringify(header), JSON.stringify({ ...ours(), ...changes }));
  const signedBy = (secret: string, header: object, payload: object): string =>
    sealTexts(JSON.stringify(header), JSON.stringify(payload), secret);

  it('of ours is accepted', async () => {
    expect((await use(seal(HEADER))).status).to.equal(200);
    expect((await use(sign({}))).status).to.equal(200);
  });

  const without = (name: keyof jwt.SignOptions): string => {
    const options = good();
    Reflect.deleteProperty(options, name);
    return jwt.sign(claims, trading.container.config.jwtSecret, options);
  };
  const forgeries: Record<string, () => string> = {
    'signed with another secret': () => jwt.sign(claims, 'x'.repeat(40), good()),
    'of another algorithm of the family': () =>
      sign({ algorithm: 'HS512', header: { alg: 'HS512', typ: 'at+jwt' } }),
    'without a signature (alg none)': () => {
      const [, payload] = sign({}).split('.');
      return `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload!}.`;
    },
    'with alg none and a signature': () => {
      const [, payload, signature] = sign({}).split('.');
      return `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload!}.${signature!}`;
    },
    'signed with a key pair (RS256)': () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const header = { alg: 'RS256', typ: 'at+jwt' };
      return jwt.sign(claims, privateKey, { ...good(), algorithm: 'RS256', header });
    },
    'that says RS256 and is signed with the secret': () => {
      const [, payload] = sign({}).split('.');
      const content = `${encode({ alg: 'RS256', typ: 'at+jwt' })}.${payload!}`;
      const hmac = createHmac('sha256', trading.container.config.jwtSecret);
      return `${content}.${hmac.update(content).digest('base64url')}`;
    },
    'with a crit header': () => sign({ header: { alg: 'HS256', typ: 'at+jwt', crit: ['exp'] } }),
    'of another type': () => sign({ header: { alg: 'HS256', typ: 'JWT' } }),
    'that never expires': () => without('expiresIn'),
    'that lives longer than ours': () => sign({ expiresIn: 86_400 }),
    'that has expired': () => sign({ expiresIn: -1 }),
    'that is not valid yet': () => sign({ notBefore: 60 }),
    'of another issuer': () => sign({ issuer: 'somebody' }),
    'without an issuer': () => without('issuer'),
    'for another audience': () => sign({ audience: 'brokerx-refresh' }),
    'without an audience': () => without('audience'),
    'without a subject': () => without('subject'),
    'without an id': () => without('jwtid'),
    'with a role that we do not have': () => sign({}, { ...claims, role: 'root' }),
    'with an account that is not text': () => sign({}, { ...claims, account_id: 7 }),
    'whose payload was changed': () => {
      const [header, , signature] = sign({}).split('.');
      const payload = encode({ ...claims, role: 'admin', exp: 4_102_444_800 });
      return `${header!}.${payload}.${signature!}`;
    },

    // Headers that name another key
    'with a key of its own in its header (jwk)': () => {
      const jwk = { kty: 'oct', k: Buffer.from('x'.repeat(40)).toString('base64url') };
      return signedBy('x'.repeat(40), { ...HEADER, jwk }, ours());
    },
    'with the address of a key (jku)': () => seal({ ...HEADER, jku: 'https://evil.example/k' }),
    'with the address of a certificate (x5u)': () =>
      seal({ ...HEADER, x5u: 'https://evil.example/c' }),
    'with certificates (x5c)': () => seal({ ...HEADER, x5c: ['MIIB'] }),
    'with a kid that leads to an empty file': () =>
      signedBy('', { ...HEADER, kid: '../../../../dev/null' }, ours()),
    'with a kid that is SQL': () =>
      signedBy('x', { ...HEADER, kid: "' union select 'x' --" }, ours()),
    'with a kid, signed with our secret': () => seal({ ...HEADER, kid: '1' }),
    'that is another token (cty JWT)': () => seal({ ...HEADER, cty: 'JWT' }),
    'that says its payload is not encoded (b64)': () => seal({ ...HEADER, b64: false }),
    'that says its payload is compressed (zip)': () => seal({ ...HEADER, zip: 'DEF' }),
    'whose algorithm is in lower case': () => seal({ ...HEADER, alg: 'hs256' }),
    'whose algorithm is nOnE, without a signature': () =>
      `${encode({ ...HEADER, alg: 'nOnE' })}.${encode(ours())}.`,
    'whose algorithms are a list': () => seal({ ...HEADER, alg: ['HS256'] }),
    'without an algorithm': () => seal({ typ: 'at+jwt' }),
    'whose type has other letters': () => seal({ ...HEADER, typ: 'AT+JWT\u0000' }),
    'whose header has a member twice': () =>
      sealTexts('{"alg":"HS256","typ":"JWT","typ":"at+jwt"}', JSON.stringify(ours())),
    'whose header is not an object': () => sealTexts('["HS256"]', JSON.stringify(ours())),

    // Claims
    'with a claim twice': () => {
      const text = JSON.stringify(ours());
      return sealTexts(JSON.stringify(HEADER), text.replace('{', '{"role":"admin",'));
    },
    'with a claim twice, once escaped': () => {
      const text = JSON.stringify(ours());
      return sealTexts(JSON.stringify(HEADER), text.replace('{', '{"r\\u006fle":"admin",'));
    },
    'whose payload is an array': () => sealTexts(JSON.stringify(HEADER), '[]'),
    'whose payload is text': () => sealTexts(JSON.stringify(HEADER), '"x"'),
    'whose payload is null': () => sealTexts(JSON.stringify(HEADER), 'null'),
    'whose payload is not JSON': () => sealTexts(JSON.stringify(HEADER), '{'),
    'whose payload is another token': () => sealTexts(JSON.stringify(HEADER), sign({})),
    'that expires at a text': () => seal(HEADER, { exp: String(seconds() + 60) }),
    'that expires at a fraction': () => seal(HEADER, { exp: seconds() + 60.5 }),
    'that expires at a negative time': () => seal(HEADER, { exp: -1 }),
    'that expires never, nearly': () => seal(HEADER, { exp: 1e300 }),
    'that expires at infinity': () =>
      sealTexts(JSON.stringify(HEADER), JSON.stringify(ours()).replace(/"exp":\d+/, '"exp":1e999')),
    'that expires in milliseconds': () => seal(HEADER, { exp: Date.now() }),
    'that expires at null': () => seal(HEADER, { exp: null }),
    'that was issued at a text': () => seal(HEADER, { iat: String(seconds()) }),
    'that was issued at a fraction': () => seal(HEADER, { iat: seconds() + 0.5 }),
    'that was issued at a negative time': () => seal(HEADER, { iat: -1 }),
    'that was issued in the future': () =>
      seal(HEADER, { iat: seconds() + 3_600, exp: seconds() + 4_500 }),
    'that was issued after it expired': () =>
      seal(HEADER, { iat: seconds() + 120, exp: seconds() + 60 }),
    'that is not valid before a text': () => seal(HEADER, { nbf: 'tomorrow' }),
    'for us and others': () => seal(HEADER, { aud: ['brokerx-api', 'another-api'] }),
    'for a list of nobody': () => seal(HEADER, { aud: [] }),
    'of issuers in a list': () => seal(HEADER, { iss: ['brokerx'] }),
    'of an issuer with one letter of another script': () => seal(HEADER, { iss: 'br\u043Ekerx' }),
    'whose audience is ours with a space of no width': () =>
      seal(HEADER, { aud: 'brokerx-api\u200B' }),
    'with roles in a list': () => seal(HEADER, { role: ['admin'] }),
    'with a role in capitals': () => seal(HEADER, { role: 'ADMIN' }),
    'with a role in wide letters': () => seal(HEADER, { role: '\uFF41dmin' }),
    'with an object for a role': () => seal(HEADER, { role: { toString: 'admin' } }),
    'of a subject that is a number': () => seal(HEADER, { sub: 7 }),
    'of a subject that is no id': () => seal(HEADER, { sub: "' or 1=1 --" }),
    'of an empty subject': () => seal(HEADER, { sub: '' }),
    'whose id is no id': () => seal(HEADER, { jti: '../../x' }),
    'with an account that is no id': () => seal(HEADER, { account_id: 'x' }),
    'without an account or the word that there is none': () =>
      seal(HEADER, { account_id: undefined }),

    // Encodings
    'with an empty signature': () => sign({}).replace(/[^.]*$/, ''),
    'with half a signature': () => sign({}).slice(0, -22),
    'with a signature and a half': () => `${sign({})}AAAA`,
    'with a signature in hex': () => {
      const [header, payload, signature] = sign({}).split('.');
      const hex = Buffer.from(signature!, 'base64url').toString('hex');
      return `${header!}.${payload!}.${hex}`;
    },
    'with padding': () => `${sign({})}=`,
    'with padding within': () => sign({}).replaceAll('.', '=.'),
    'with a signature that ends in other bits': () => {
      const token = sign({});
      const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      return token.slice(0, -1) + letters[letters.indexOf(token.at(-1)!) ^ 1]!;
    },
    'with a space within': () => sign({}).replace('.', ' .'),
    'with a tab behind its payload': () => sign({}).replace(/\.([^.]*)$/, '\t.$1'),
    'in four parts': () => `${sign({})}.${sign({}).split('.')[2]!}`,
    'in five parts, as if encrypted': () => `${sign({})}.AAAA.AAAA`,
    'in two parts': () => sign({}).split('.').slice(0, 2).join('.'),
    'of more than 8 kB': () => seal(HEADER, { more: 'x'.repeat(8_200) }),
  };
  for (const [name, forge] of Object.entries(forgeries)) {
    it(`${name} is refused`, async () => {
      expectProblem(await use(forge()), 401, 40110000);
    });
  }

  it('of ours is refused in another scheme, or in two', async () => {
    const token = sign({});
    const wrong = [`Basic ${token}`, `Token ${token}`, `Bearer${token}`, `Bearer Bearer ${token}`];
    for (const Authorization of [...wrong, token, `Bearer ${token}, Bearer ${token}`]) {
      const answer = await api.call('GET', '/v2/clock', { headers: { Authorization } });
      expectProblem(answer, 401, 40110000);
    }
  });
});
