import { z } from 'zod';
import { isFault } from '../vim/faults.ts';
import { type Properties, readProperties } from '../vim/properties.ts';
import type { VimSession } from '../vim/session.ts';
import { listSchema, moRefSchema } from '../vim/values.ts';
import { read } from './property-readers.ts';

/** Editions of ESXi whose API only reads. A hint: the fault RestrictedVersion is the truth. */
const READ_ONLY_EDITIONS: readonly string[] = ['esxBasic', 'esx.hypervisor.free', 'esx.free'];

export interface Licence {
  readonly edition: string;
  readonly name: string;
  /** False when the API of such a host refuses every change. */
  readonly allowsChanges: boolean;
}

export interface LicenceFact {
  /** Of the server as a whole. */
  readonly all: readonly Licence[];
  /** By the id of a host, or the instance UUID of the vCenter. */
  readonly assigned: Readonly<Record<string, Licence>>;
}

// The keys of the licences are in the answers too; they are secrets and go no further.
const licenceSchema = z
  .object({ editionKey: z.string().default(''), name: z.string().default('') })
  .transform(({ editionKey, name }) => ({
    edition: editionKey,
    name,
    allowsChanges: !READ_ONLY_EDITIONS.includes(editionKey),
  }));
const assignmentSchema = z.object({ entityId: z.string(), assignedLicense: licenceSchema });

/** Nothing, when the account may not see licences. */
export async function readLicences(session: VimSession): Promise<LicenceFact> {
  const { licenseManager } = await session.content();
  if (licenseManager === undefined) return { all: [], assigned: {} };
  const paths = ['licenses', 'licenseAssignmentManager'];
  const properties: Properties = await readProperties(session, licenseManager, paths).catch(
    ifRefused(new Map()),
  );
  const all = read(listSchema(licenceSchema), properties.get('licenses'), []);
  const manager = read(moRefSchema, properties.get('licenseAssignmentManager'), null);
  if (manager === null) return { all, assigned: {} };
  const answer = await session.call('QueryAssignedLicenses', manager, {}).catch(ifRefused([]));
  const assignments = read(listSchema(assignmentSchema), answer, []);
  return {
    all,
    assigned: Object.fromEntries(
      assignments.map(({ entityId, assignedLicense }) => [entityId, assignedLicense]),
    ),
  };
}

/** That the account may not see licences is told with its privileges. */
function ifRefused<T>(nothing: T): (error: unknown) => T {
  return (error) => {
    if (isFault(error, 'NoPermission', 'NotSupported', 'NotImplemented')) return nothing;
    throw error;
  };
}
