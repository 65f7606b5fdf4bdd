import { z } from 'zod';

/** Names that end up in file names, table keys and resource names: no separators, no dots at the edges. */
export const identifierSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,78}[A-Za-z0-9])?$/,
    'letters, digits, - and _, at most 80',
  );

/** Bytes as a safe integer, a multiple of the 512-byte sector. */
export const sectorBytesSchema = z.int().nonnegative().multipleOf(512);

export const timestampSchema = z.iso.datetime({ offset: true });
