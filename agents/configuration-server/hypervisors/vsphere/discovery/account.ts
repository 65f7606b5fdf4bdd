import { z } from 'zod';
import { isFault } from '../vim/faults.ts';
import type { VimSession } from '../vim/session.ts';
import { booleanSchema, listSchema, type MoRef } from '../vim/values.ts';
import type { PrivilegePlace } from './privilege-places.ts';
import { read } from './property-readers.ts';

export interface AccountFact {
  readonly userName: string;
  /** Each with the object on which it is missing, as `Datastore.Browse on ds1`; `null` = the server does not tell. */
  readonly missingPrivileges: readonly string[] | null;
  /** As above, of those that only a raw device mapping needs. */
  readonly missingForRdm: readonly string[] | null;
}

const answerSchema = listSchema(
  z.object({
    privAvailability: listSchema(z.object({ privId: z.string(), isGranted: booleanSchema })),
  }),
);

/** What the account lacks in these places. */
export async function readAccount(
  session: VimSession,
  places: readonly PrivilegePlace[],
  forRdm: readonly PrivilegePlace[],
): Promise<AccountFact> {
  return {
    userName: await session.userName(),
    missingPrivileges: await missingIn(session, places),
    missingForRdm: await missingIn(session, forRdm),
  };
}

async function missingIn(
  session: VimSession,
  places: readonly PrivilegePlace[],
): Promise<readonly string[] | null> {
  const { authorizationManager } = await session.content();
  if (authorizationManager === undefined) return null;
  const missing: string[] = [];
  for (const place of places) {
    const granted = await grantedAt(session, authorizationManager, place);
    if (granted === null) return null;
    const lacking = place.privileges.filter((id) => !granted.includes(id));
    missing.push(...lacking.map((id) => `${id} on ${place.name}`));
  }
  return missing;
}

/** Who may not even look at an object has no role there. `null` = the server does not know the question. */
async function grantedAt(
  session: VimSession,
  authorizationManager: MoRef,
  { ref, privileges }: PrivilegePlace,
): Promise<readonly string[] | null> {
  const userName = await session.userName();
  const question = { entities: [ref], userName, privId: privileges };
  try {
    const answer = await session.call('HasUserPrivilegeOnEntities', authorizationManager, question);
    const entities = read(answerSchema, answer, null);
    if (entities === null) return null;
    return entities.flatMap(({ privAvailability }) =>
      privAvailability.filter(({ isGranted }) => isGranted).map(({ privId }) => privId),
    );
  } catch (error) {
    if (isFault(error, 'NoPermission')) return [];
    if (isFault(error, 'MethodNotFound', 'NotSupported')) return null;
    throw error;
  }
}
