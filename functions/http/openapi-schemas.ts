import { z } from 'zod';
import {
  agentViewSchema,
  eventViewSchema,
  failoverSchema,
  jobViewSchema,
  optionsSchema,
  protectedItemViewSchema,
  putProtectedItemSchema,
  recoveryPointViewSchema,
  startJobSchema,
} from '../../shared/contracts/http-api.ts';
import {
  preflightRequestSchema,
  preflightViewSchema,
} from '../../shared/contracts/http/preflight.ts';
import { problemSchema } from '../../shared/contracts/http/problem.ts';
import { errorRecordSchema } from '../../shared/contracts/errors.ts';
import {
  planRunReportSchema,
  planRunViewSchema,
  planViewSchema,
  putPlanSchema,
} from '../../shared/contracts/http/recovery-plans.ts';
import type { Route } from '../support/route.ts';

/** The OpenAPI document itself. */
export const anyJsonSchema = z.record(z.string(), z.unknown());

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Names of what more than one route speaks of, or what people know by a name. Others are named by their route. */
const NAMED: Readonly<Record<string, z.ZodType>> = {
  Agent: agentViewSchema,
  Error: errorRecordSchema,
  Event: eventViewSchema,
  FailoverRequest: failoverSchema,
  Job: jobViewSchema,
  JobOptions: optionsSchema,
  Preflight: preflightViewSchema,
  PreflightRequest: preflightRequestSchema,
  Problem: problemSchema,
  ProtectedItem: protectedItemViewSchema,
  ProtectedItemRequest: putProtectedItemSchema,
  RecoveryPlan: planViewSchema,
  RecoveryPlanRequest: putPlanSchema,
  RecoveryPlanRun: planRunViewSchema,
  RecoveryPlanRunReport: planRunReportSchema,
  RecoveryPoint: recoveryPointViewSchema,
  StartJobRequest: startJobSchema,
};

export interface Schemas {
  /** `components.schemas`. */
  readonly components: Readonly<Record<string, JsonSchema>>;
  /** A reference to the component that a body was made. */
  refOf(schema: z.ZodType): JsonSchema;
}

/** Every body of every route as JSON Schema 2020-12, which is what OpenAPI 3.1 takes. */
export function collectSchemas(routes: readonly Route[]): Schemas {
  const names = new Map<z.ZodType, string>();
  for (const [name, schema] of Object.entries(NAMED)) names.set(schema, name);
  for (const { name, body, responses } of routes) {
    const begin = name.charAt(0).toUpperCase() + name.slice(1);
    if (body !== null && !names.has(body)) names.set(body, `${begin}Request`);
    for (const { schema } of Object.values(responses)) {
      if (schema !== undefined && !names.has(schema)) names.set(schema, `${begin}Response`);
    }
  }
  const registry = z.registry<{ id: string }>();
  for (const [schema, id] of names) registry.add(schema, { id });
  // What goes over the wire is the input of a schema: transforms happen behind it.
  const { schemas } = z.toJSONSchema(registry, { io: 'input', uri: refTo });
  const components = Object.entries(schemas).map(([name, schema]) => [name, plain(schema)]);
  return {
    components: Object.fromEntries(components) as Record<string, JsonSchema>,
    refOf: (schema) => ({ $ref: refTo(names.get(schema) ?? '') }),
  };
}

function refTo(name: string): string {
  return `#/components/schemas/${name}`;
}

/** Parameters as a client writes them; `coerce` makes numbers of texts. */
export function parametersOf(
  schema: z.ZodObject | null,
  place: 'path' | 'query',
): readonly JsonSchema[] {
  return Object.entries(schema?.shape ?? {}).map(([name, part]) => {
    // The output: the input of a coerced number is anything.
    const described = plain(z.toJSONSchema(part as z.ZodType, { io: 'output' }));
    return { name, in: place, required: place === 'path', schema: described };
  });
}

/** Inside a document a schema has neither an address nor a dialect of its own. */
function plain(schema: JsonSchema): JsonSchema {
  const { $schema: _dialect, $id: _address, ...rest } = schema;
  return rest;
}
