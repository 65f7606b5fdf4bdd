import { z } from 'zod';
import {
  type JobView,
  jobViewSchema,
  protectedItemViewSchema,
} from '../../shared/contracts/http-api.ts';

type ProtectedItemView = z.infer<typeof protectedItemViewSchema>;

/** An answer of the API that is no success. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly status: number;
  readonly problem: unknown;

  constructor(status: number, problem: unknown, detail: string) {
    super(`${status}: ${detail}`);
    this.status = status;
    this.problem = problem;
  }
}

/** The HTTP API as a portal would call it. */
export class LabApi {
  readonly #url: string;
  readonly #key: string;

  constructor(url: string, functionKey: string) {
    this.#url = url;
    this.#key = functionKey;
  }

  async startFailback(protectedItemId: string, options: object): Promise<JobView> {
    const body = { protectedItemId, options };
    return jobViewSchema.parse(await this.send('POST', '/api/failbacks', body));
  }

  async startRehearsal(protectedItemId: string, options: object): Promise<JobView> {
    const body = { protectedItemId, options };
    return jobViewSchema.parse(await this.send('POST', '/api/rehearsals', body));
  }

  async failbacks(): Promise<readonly JobView[]> {
    const answer = await this.send('GET', '/api/failbacks');
    return z.object({ value: z.array(jobViewSchema) }).parse(answer).value;
  }

  async failback(id: string): Promise<JobView> {
    return jobViewSchema.parse(await this.send('GET', `/api/failbacks/${id}`));
  }

  async ask(id: string, action: 'failover' | 'commit' | 'cancel'): Promise<JobView> {
    return jobViewSchema.parse(await this.send('POST', `/api/failbacks/${id}/${action}`));
  }

  async protectedItem(id: string): Promise<ProtectedItemView> {
    return protectedItemViewSchema.parse(await this.send('GET', `/api/protected-items/${id}`));
  }

  async putProtectedItem(id: string, body: object): Promise<ProtectedItemView> {
    const answer = await this.send('PUT', `/api/protected-items/${id}`, body);
    return protectedItemViewSchema.parse(answer);
  }

  /** Any call; throws ApiFailure with the problem document. */
  async send(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { 'x-functions-key': this.#key, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed: unknown = text === '' ? null : tryParse(text);
    if (response.ok) return parsed;
    const detail = z.object({ detail: z.string() }).safeParse(parsed).data?.detail ?? text;
    throw new ApiFailure(response.status, parsed, detail);
  }
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
