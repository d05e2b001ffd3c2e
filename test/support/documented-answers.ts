import { expect } from 'chai';
import type { ApiKeyCredentials } from '../../src/identity/new-api-key.js';
import { AnswerSchemas, type AnswersDocument } from './answer-schemas.js';
import type { Answer, Api } from './api.js';

/** GETs whose answers are checked against the OpenAPI document, whatever they say. */
export class DocumentedAnswers {
  private constructor(
    private readonly api: Api,
    private readonly as: ApiKeyCredentials,
    private readonly schemas: AnswerSchemas,
  ) {}

  static async of(api: Api, as: ApiKeyCredentials): Promise<DocumentedAnswers> {
    const { body } = await api.call('GET', '/openapi.json');
    return new DocumentedAnswers(api, as, new AnswerSchemas(body as AnswersDocument));
  }

  /** @param by another API than usual */
  async get(path: string, by = this.api): Promise<Answer> {
    const answer = await by.call('GET', path, { as: this.as });
    expect(this.schemas.fault('GET', path, answer)).to.equal(null);
    return answer;
  }

  /** One that must be there. */
  async page<Page>(path: string, by = this.api): Promise<Page> {
    const { status, body } = await this.get(path, by);
    expect(status, JSON.stringify(body)).to.equal(200);
    return body as Page;
  }
}
