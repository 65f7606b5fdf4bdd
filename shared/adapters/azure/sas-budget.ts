import { FailbackError } from '../../errors/failback-error.ts';
import { azureFailure, findInAzure } from './azure-error.ts';

/**
 * Azure documents the limit of five but no code for it; grants are refused with general codes, so the
 * text has to tell. A text that is not recognised is reported as any other refusal.
 */
const BUDGET_CODES: readonly string[] = ['OperationNotAllowed', 'Conflict', 'BadRequest'];
const BUDGET_TEXT = /(active|maximum|limit|exceed|only).*(\bSAS\b|shared access signature)/i;

/** Runs a grant of access; `null` when there is no such snapshot, FB-AZ-006 when five are open. */
export async function grantWithinBudget<T>(
  snapshotName: string,
  grant: () => Promise<T>,
): Promise<T | null> {
  return findInAzure(`open the snapshot ${snapshotName}`, async () => {
    try {
      return await grant();
    } catch (error) {
      const { code, message } = azureFailure(error);
      if (!BUDGET_CODES.includes(code) || !BUDGET_TEXT.test(message)) throw error;
      throw new FailbackError('FB-AZ-006', { snapshotName }, { cause: error });
    }
  });
}
