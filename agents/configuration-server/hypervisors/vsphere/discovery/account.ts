import { z } from 'zod';
import {
  NOT_ASKED_IN_AVS,
  VSPHERE_PRIVILEGES,
} from '../../../../../shared/policy/preflight-limits.ts';
import type { VsphereHypervisorConfig } from '../../../config.ts';
import { isFault } from '../vim/faults.ts';
import type { VimSession } from '../vim/session.ts';
import { booleanSchema, listSchema } from '../vim/values.ts';
import { read } from './property-readers.ts';

export function neededPrivileges(siteKind: VsphereHypervisorConfig['siteKind']): readonly string[] {
  const all = Object.values(VSPHERE_PRIVILEGES).flat();
  return siteKind === 'avs' ? all.filter((id) => !NOT_ASKED_IN_AVS.includes(id)) : all;
}

export interface AccountFact {
  readonly userName: string;
  /** At the root of the inventory; `null` = the server does not tell. */
  readonly missingPrivileges: readonly string[] | null;
}

const answerSchema = listSchema(
  z.object({
    privAvailability: listSchema(z.object({ privId: z.string(), isGranted: booleanSchema })),
  }),
);

/** What the account may do. Privileges that are given further down only count as missing here. */
export async function readAccount(
  session: VimSession,
  needed: readonly string[],
): Promise<AccountFact> {
  const { authorizationManager, rootFolder } = await session.content();
  const userName = await session.userName();
  if (authorizationManager === undefined) return { userName, missingPrivileges: null };
  const question = { entities: [rootFolder], userName, privId: needed };
  const answer = await session
    .call('HasUserPrivilegeOnEntities', authorizationManager, question)
    .catch((error: unknown) => {
      if (isFault(error, 'NoPermission', 'MethodNotFound', 'NotSupported')) return null;
      throw error;
    });
  const entities = answer === null ? null : read(answerSchema, answer, null);
  if (entities === null) return { userName, missingPrivileges: null };
  const granted = new Set(
    entities.flatMap(({ privAvailability }) =>
      privAvailability.filter(({ isGranted }) => isGranted).map(({ privId }) => privId),
    ),
  );
  return { userName, missingPrivileges: needed.filter((id) => !granted.has(id)) };
}
