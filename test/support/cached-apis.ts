import { expect } from 'chai';
import type { ApiKeyCredentials } from '../../src/identity/new-api-key.js';
import type { Answer, Api, Call } from './api.js';

const ATTEMPTS = 20;

/** How the cache took part in an answer. */
export const xCache = ({ headers }: Answer): string | null => headers.get('x-cache');

/** What is true at this moment, whatever the cache says. */
export const readAnew = async (api: Api, path: string, as: ApiKeyCredentials): Promise<Answer> => {
  const answer = await api.call('GET', path, { as, headers: { 'Cache-Control': 'no-cache' } });
  expect(xCache(answer)).to.equal('BYPASS');
  return answer;
};

/** Asks until the answer is a HIT: entries live for a part of a second only. */
export async function untilHit(api: Api, path: string, call: Call): Promise<Answer> {
  const seen: (string | null)[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const answer = await api.call('GET', path, call);
    if (xCache(answer) === 'HIT') return answer;
    seen.push(`${answer.status} ${xCache(answer)}`);
  }
  throw new Error(`GET ${path} is never a HIT: ${seen.join(', ')}`);
}
