import { commandEventName } from '../../shared/contracts/orchestrations.ts';
import type { ErrorRecord } from '../../shared/errors/failback-error.ts';
import { failure } from '../../shared/errors/result.ts';
import { releaseSourceAccess } from '../../shared/services/release-source-access.ts';
import type { CommandRecord } from '../../shared/ports/stores.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { FunctionDeps } from '../support/deps.ts';

/**
 * Ends the open commands of a job that are meant. The agents hear of it at their next heartbeat;
 * the orchestration does not wait for that.
 */
export async function breakOff(
  deps: FunctionDeps,
  jobId: string,
  what: { readonly isMeant: (command: CommandRecord) => boolean; readonly error: ErrorRecord },
): Promise<void> {
  for (const command of await deps.stores.commands.listOpen(jobId)) {
    if (!what.isMeant(command)) continue;
    const ended = await updateRecord(deps.stores.commands, command.id, (current) =>
      current.result === null ? { ...current, result: failure(what.error) } : current,
    );
    if (ended !== null) await releaseSourceAccess(deps, ended);
    await deps.orchestrator.wake(command.instanceId, commandEventName(command.id));
  }
}
