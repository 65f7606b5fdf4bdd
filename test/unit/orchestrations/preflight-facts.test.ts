import { describe, expect, it } from '@jest/globals';
import {
  azureVmSection,
  locationSection,
  masterTargetSection,
  NOT_GATHERED,
  protectionSection,
  siteSection,
} from '../../../orchestrations/support/preflight-facts.ts';
import type { CommandOutput } from '../../../shared/contracts/commands.ts';
import type { PreflightFacts } from '../../../shared/domain/preflight/facts.ts';
import { blockingFindings, runPreflight } from '../../../shared/domain/preflight/run.ts';
import type { Origin } from '../../../shared/domain/protected-item.ts';
import { anItem } from '../../support/memory/builders.ts';
import { goodAzureVm } from '../../support/preflight/good-facts.ts';

type Hypervisor = CommandOutput<'describeSite'>['hypervisor'];

const MASTER_TARGET: CommandOutput<'verifyMasterTarget'> = {
  version: '1.0.0',
  osType: 'Linux',
  retentionVolume: { freeBytes: 1024 ** 4, isSeparateVolume: false, isWritable: true },
  openReplications: 0,
  attachedDiskCount: 0,
  transferAddress: { host: 'mt1.site.example', port: 9443 },
};

function gathered(
  hypervisor: Hypervisor,
  { hasOriginalVm = true, origin = 'VMware' }: { hasOriginalVm?: boolean; origin?: Origin } = {},
): PreflightFacts {
  const site: CommandOutput<'describeSite'> = {
    hypervisor,
    isConnected: true,
    originalVm: hasOriginalVm
      ? { vmId: 'vm-7', powerState: 'off', snapshotCount: 0, diskCount: 2 }
      : null,
    freeBytes: 1024 ** 4,
    observedAt: '2026-03-01T12:00:00.000Z',
  };
  return {
    protection: protectionSection(anItem({ origin })),
    azureVm: azureVmSection(goodAzureVm()),
    azureNetwork: null,
    processServer: null,
    configurationServer: null,
    site: siteSection(site),
    location: locationSection(site),
    masterTarget: masterTargetSection(MASTER_TARGET, site),
    notGathered: NOT_GATHERED,
  };
}

/** All values at a path, those of every element where it leads through a list. */
function valuesAt(facts: unknown, path: readonly string[]): readonly unknown[] {
  if (Array.isArray(facts)) return facts.flatMap((entry) => valuesAt(entry, path));
  const [key, ...rest] = path;
  if (typeof facts !== 'object' || facts === null) return [facts];
  if (key !== undefined) return valuesAt(Reflect.get(facts, key), rest);
  return Object.entries(facts).flatMap(([name, value]) =>
    name === 'kind' ? [] : valuesAt(value, []),
  );
}

describe('the facts of a run', () => {
  it.each(NOT_GATHERED)('do say %s is not gathered because it is not', (name) => {
    const values = valuesAt(gathered('local'), name.split('.'));
    expect(values.length).toBeGreaterThan(0);
    expect(new Set(values)).toEqual(new Set([null]));
  });

  it.each([true, false])('let the lab pass (original VM there: %s)', (hasOriginalVm) => {
    expect(blockingFindings(runPreflight(gathered('local', { hasOriginalVm })))).toEqual([]);
  });

  it.each([
    ['vsphere', 'VMware', 'site.account.privileges'],
    ['vsphere', 'Physical', 'alternate.datastore.vmfs-only'],
    ['hyperv', 'HyperV', 'hyperv.switch.same-name'],
  ] as const)('let no %s site pass whose facts nobody asked for (%s)', (hypervisor, origin, id) => {
    const facts = gathered(hypervisor, { hasOriginalVm: false, origin });
    const blocking = blockingFindings(runPreflight(facts)).map(({ ruleId }) => ruleId);
    expect(blocking).toContain(id);
  });
});
