import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Answer } from './api.js';

type Json = Record<string, unknown>;

interface Described {
  responses: Record<string, { content?: Record<string, { schema: Json }> }>;
}

/** `/openapi.json`, as far as answers are concerned. */
export interface AnswersDocument {
  paths: Record<string, Record<string, Described>>;
  components: Json;
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Holds real answers against what the OpenAPI document says of them. */
export class AnswerSchemas {
  private readonly ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    formats: { uuid: UUID, 'date-time': TIME, uri: /^[a-z]+:.+/ },
  });
  private readonly compiled = new Map<string, ValidateFunction>();

  /** What was held against its schema and fits it: `GET /v2/orders/{id} 200`. */
  readonly fitting = new Set<string>();

  constructor(private readonly document: AnswersDocument) {}

  /** `GET /v2/orders/{id}` for every operation. */
  get operations(): string[] {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
  }

  /**
   * @param path as requested, with its query
   * @returns what is wrong with the answer, or null
   */
  fault(method: string, path: string, { status, headers, body }: Answer): string | null {
    const [type = ''] = (headers.get('content-type') ?? '').split(';');
    return this.faultOf(method, path, status, type, body);
  }

  /** The same, of an answer that was taken apart. */
  faultOf(
    method: string,
    path: string,
    status: number,
    type: string,
    body: unknown,
  ): string | null {
    const template = this.templateOf(method, path);
    if (template === undefined) return `${method} ${path} is not in the document`;
    const operation = this.document.paths[template]![method.toLowerCase()]!;
    const where = `${method} ${template} ${status}`;
    const response = operation.responses[status];
    if (!response) return `${where}: the document does not know this status`;
    if (!response.content) {
      if (body !== '') return `${where}: has a body`;
    } else {
      const schema = (response.content[type] ?? response.content['*/*'])?.schema;
      if (!schema) return `${where}: the document does not know the type ${type}`;
      const validate = this.compile(`${where} ${type}`, schema);
      if (!validate(body)) return `${where}: ${this.ajv.errorsText(validate.errors)}`;
    }
    this.fitting.add(where);
    return null;
  }

  private templateOf(method: string, path: string): string | undefined {
    const [plain] = path.split('?');
    return Object.keys(this.document.paths)
      .filter((template) => method.toLowerCase() in this.document.paths[template]!)
      .filter((template) => patternOf(template).test(plain!))
      .sort((a, b) => a.split('{').length - b.split('{').length)[0];
  }

  private compile(name: string, schema: Json): ValidateFunction {
    const known = this.compiled.get(name);
    if (known) return known;
    const { components } = this.document; // so that its references lead somewhere
    const validate = this.ajv.compile({ components, ...schema });
    this.compiled.set(name, validate);
    return validate;
  }
}

const patternOf = (template: string): RegExp => {
  const literal = template.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
};
