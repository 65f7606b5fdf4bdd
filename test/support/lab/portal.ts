import type { JobView, ProtectedItemView } from '../../../shared/contracts/http-api.ts';
import type { ProblemDetails } from '../../../shared/contracts/http/problem.ts';
import type { Intent, Phase } from '../../../shared/domain/phases.ts';
import { waitFor } from './wait.ts';

export interface Answer<T = unknown> {
  readonly status: number;
  readonly contentType: string;
  readonly body: T;
}

/** Fast enough for a test; deltas are asked for by the tests that want them. */
const OPTIONS = { cycleIntervalSeconds: 5, bootTimeoutSeconds: 120 };

/** The HTTP API as a portal calls it: plain requests, nothing of the product's own code. Keeps every answer. */
export class Portal {
  readonly #url: string;
  readonly #key: string | null;
  /** Everything that was answered, for those who look for secrets in it. */
  readonly answers: string[];

  constructor(url: string, key: string | null, answers: string[] = []) {
    this.#url = url;
    this.#key = key;
    this.answers = answers;
  }

  async call<T = unknown>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const response = await fetch(`${this.#url}/api/${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(this.#key === null ? {} : { 'x-functions-key': this.#key }),
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`);
    this.answers.push([String(response.status), ...headers, text].join('\n'));
    const contentType = response.headers.get('content-type') ?? '';
    const parsed: unknown = contentType.includes('json') ? JSON.parse(text) : text;
    return { status: response.status, contentType, body: parsed as T };
  }

  async refused(method: string, path: string, body?: unknown): Promise<Answer<ProblemDetails>> {
    return this.call<ProblemDetails>(method, path, body);
  }

  /** Starts a failback; asked to fail over at once, it does so at its first recovery point. */
  async startFailback(itemId: string, options: object = {}): Promise<string> {
    const request = { protectedItemId: itemId, options: { ...OPTIONS, ...options } };
    return (await this.#accepted('failbacks', request)).id;
  }

  async startRehearsal(itemId: string): Promise<string> {
    const request = { protectedItemId: itemId, options: OPTIONS };
    return (await this.#accepted('rehearsals', request)).id;
  }

  async ask(jobId: string, intent: Intent): Promise<void> {
    await this.#accepted(`failbacks/${jobId}/${intent}`);
  }

  async job(id: string): Promise<JobView> {
    return (await this.call<JobView>('GET', `failbacks/${id}`)).body;
  }

  async item(id: string): Promise<ProtectedItemView> {
    return (await this.call<ProtectedItemView>('GET', `protected-items/${id}`)).body;
  }

  /** Waits for a phase; a job that ends before it is a failure that says why. */
  async reaches(jobId: string, phase: Phase): Promise<JobView> {
    let seen: JobView | null = null;
    const look = async (): Promise<JobView | null> => {
      seen = await this.job(jobId);
      if (seen.phase === phase) return seen;
      if (seen.endedAt !== null) throw new Error(`It ended instead. ${tell(seen)}`);
      return null;
    };
    return waitFor(`${jobId} to reach ${phase}`, look, { lastSeen: () => tell(seen) });
  }

  /** The newest job of a machine, as soon as it has one. */
  async firstJob(itemId: string): Promise<JobView> {
    const path = `failbacks?protectedItemId=${itemId}`;
    return waitFor(`a job of ${itemId}`, async () => {
      const { body } = await this.call<{ value: readonly JobView[] }>('GET', path);
      return body.value[0] ?? null;
    });
  }

  async ends(jobId: string): Promise<JobView> {
    let seen: JobView | null = null;
    const look = async (): Promise<JobView | null> => {
      seen = await this.job(jobId);
      return seen.endedAt === null ? null : seen;
    };
    return waitFor(`${jobId} to end`, look, { lastSeen: () => tell(seen) });
  }

  async #accepted(path: string, body?: unknown): Promise<JobView> {
    const answer = await this.call<JobView>('POST', path, body);
    if (answer.status !== 202) throw new Error(`POST ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
}

function tell(job: JobView | null): string {
  if (job === null) return 'It was never seen.';
  const { state, phase, error, history } = job;
  return JSON.stringify({ state, phase, error, latest: history.at(-1) });
}
