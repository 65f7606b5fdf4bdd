import { z } from 'zod';
import type { Secret } from '../../../../../shared/domain/secret.ts';
import type { MethodName, METHODS, TypeName, TYPES } from './field-orders.ts';

/** Names one object of the server. `value` is opaque: no form of it may be relied on. */
export interface MoRef {
  readonly type: string;
  readonly value: string;
}

/** The TypeScript type of each kind of field in the order tables. */
interface Kinds {
  string: string;
  int: number;
  long: number;
  boolean: boolean;
  secret: Secret;
  ref: MoRef;
  any: string | number | boolean;
  data: VimObject;
  'string[]': readonly string[];
  'int[]': readonly number[];
  'long[]': readonly number[];
  'ref[]': readonly MoRef[];
  'data[]': readonly VimObject[];
}
type Values<F> = { readonly [K in keyof F]?: F[K] extends keyof Kinds ? Kinds[F[K]] : never };

/** A data object that we send; `_typeName` is also what VI/JSON calls it. */
export type VimObject<T extends TypeName = TypeName> = T extends TypeName
  ? { readonly _typeName: T } & Values<(typeof TYPES)[T]>
  : never;
export type MethodArguments<M extends MethodName> = Values<(typeof METHODS)[M]>;

/**
 * What the server sends. Untyped fields are texts over SOAP, where one element cannot be told from a list of one
 * either: read everything through the schemas below, which know both.
 */
export type VimData = string | number | boolean | VimRecord | readonly VimData[];
export interface VimRecord {
  readonly [field: string]: VimData;
}

export const moRefSchema = z.object({ type: z.string(), value: z.string() });
export const numberSchema = z
  .union([z.number(), z.string().regex(/^-?\d+(\.\d+)?$/)])
  .transform(Number);
export const booleanSchema = z
  .union([z.boolean(), z.enum(['true', 'false', '1', '0'])])
  .transform((value) => value === true || value === 'true' || value === '1');

/** None, one or several. */
export function listSchema<S extends z.ZodType>(item: S): z.ZodPreprocess<z.ZodArray<S>> {
  return z.preprocess((value) => {
    if (value === undefined || value === '') return [];
    return Array.isArray(value) ? (value as unknown[]) : [value];
  }, z.array(item));
}
