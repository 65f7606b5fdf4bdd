import type { CommandName } from '../../../shared/contracts/commands.ts';
import type { AzureReplicas, AzureSnapshots } from './azure-disks.ts';
import { dataPlaneEffects } from './data-commands.ts';
import { configurationServerEffects } from './site-commands.ts';
import type { Site } from './site.ts';
import type { Timers } from './timers.ts';

interface EffectParts {
  readonly site: Site;
  readonly timers: Timers;
  readonly snapshots: AzureSnapshots;
  readonly replicas: AzureReplicas;
}

/** What each command of the three agents does to the world. */
export function agentEffects(parts: EffectParts): (name: CommandName, input: unknown) => unknown {
  const effects: Partial<Record<CommandName, (input: never) => unknown>> = {
    ...configurationServerEffects(parts.site, parts.timers),
    ...dataPlaneEffects(parts),
  };
  return (name, input) => {
    const effect = effects[name];
    if (effect === undefined) throw new Error(`no agent here knows ${name}`);
    // The product's own schema has checked the input when it was sent.
    return effect(input as never);
  };
}
