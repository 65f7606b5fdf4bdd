import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ROUTES } from '../../../functions/routes.ts';
import { callRoute } from '../../support/memory/call-route.ts';
import { emptyWorld } from '../../support/memory/memory-world.ts';

interface Operation {
  readonly operationId: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly Readonly<Record<string, unknown>>[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<Record<string, { readonly schema: { readonly $ref: string } }>>;
  };
  readonly responses: Readonly<Record<string, { readonly $ref?: string }>>;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
}

const SCRIPT = join(import.meta.dirname, '../../../scripts/check-openapi.mjs');

async function read(): Promise<Document> {
  const { status, json } = await callRoute(emptyWorld(), 'openApi', { key: null });
  expect(status).toBe(200);
  return json as Document;
}

function check(document: unknown): { readonly status: number | null; readonly said: string } {
  const input = JSON.stringify(document);
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT], {
    input,
    encoding: 'utf8',
  });
  return { status, said: `${stdout}${stderr}` };
}

async function operation(name: string): Promise<Operation> {
  const { paths } = await read();
  const found = Object.values(paths)
    .flatMap((each) => Object.values(each))
    .find(({ operationId }) => operationId === name);
  if (found === undefined) throw new Error(`there is no operation ${name}`);
  return found;
}

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1, to a validator that knows what is not', async () => {
    const document = await read();
    expect(document.openapi).toBe('3.1.0');
    expect(check(document)).toEqual({ status: 0, said: '3.1\n' });
    expect(check({ ...document, paths: { '/x': { get: { responses: 'none' } } } }).status).toBe(1);
    const { Job: _gone, ...schemas } = document.components.schemas;
    const broken = { ...document, components: { ...document.components, schemas } };
    expect(check(broken).status).not.toBe(0);
  });

  it('describes each route of the app once, by its name', async () => {
    const { paths } = await read();
    const described = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(
        ([method, { operationId }]) => `${method.toUpperCase()} ${path} ${operationId}`,
      ),
    );
    const routes = ROUTES.map(({ method, path, name }) => `${method} /${path} ${name}`);
    expect(described.toSorted()).toEqual(routes.toSorted());
  });

  it('refers to nothing that is not there', async () => {
    const document = await read();
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)];
    expect(refs.length).toBeGreaterThan(50);
    for (const [, ref = ''] of refs) {
      const target = ref
        .split('/')
        .reduce<unknown>((value, key) => (value as Record<string, unknown>)?.[key], document);
      expect({ ref, isThere: target !== undefined }).toEqual({ ref, isThere: true });
    }
  });

  it('says what each route needs: a role by key or sign-in, an agent key, or nothing', async () => {
    const { components } = await read();
    const byRole = (role: string) => [
      { functionKey: [role] },
      { functionKeyInQuery: [role] },
      { entra: [role] },
    ];
    expect((await operation('listFailbacks')).security).toEqual(byRole('reader'));
    expect((await operation('deleteProtectedItem')).security).toEqual(byRole('committer'));
    expect((await operation('agentHeartbeat')).security).toEqual([{ agentKey: [] }]);
    expect((await operation('registerAgent')).security).toEqual([{ registrationToken: [] }]);
    expect((await operation('openApi')).security).toEqual([]);
    expect((await operation('actOnFailback')).description).toContain('committer');
    expect(Object.keys(components.securitySchemes)).toContain('agentKey');
  });

  it('has the limits that requests are checked with', async () => {
    const { components } = await read();
    expect(components.schemas['JobOptions']?.['properties']).toMatchObject({
      cycleIntervalSeconds: { type: 'integer', minimum: 1, maximum: 86_400, default: 300 },
      autoCommit: { type: 'boolean', default: false },
    });
    const start = await operation('createFailback');
    expect(start.requestBody).toEqual({
      required: true,
      content: {
        'application/json': {
          schema: { $ref: '#/components/schemas/StartJobRequest' },
          example: ROUTES.find(({ name }) => name === 'createFailback')?.example,
        },
      },
    });
    expect((await operation('actOnFailback')).requestBody?.required).toBe(false);
    const { parameters } = await operation('listFailbacks');
    expect(parameters).toContainEqual({
      name: 'limit',
      in: 'query',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 500, default: 100 },
    });
  });

  it('has only examples that would be taken', () => {
    const examples = ROUTES.filter(({ example }) => example !== null);
    expect(examples.length).toBeGreaterThan(2);
    for (const { name, body, example } of examples) {
      expect({ name, isTaken: body?.safeParse(example).success }).toEqual({ name, isTaken: true });
    }
  });

  it('answers every refusal with a problem document', async () => {
    const problem = { $ref: '#/components/responses/Problem' };
    for (const operations of Object.values((await read()).paths)) {
      for (const { responses } of Object.values(operations)) {
        expect(responses['default']).toEqual(problem);
        for (const [status, response] of Object.entries(responses)) {
          if (Number(status) >= 400) expect(response).toEqual(problem);
        }
      }
    }
  });
});
