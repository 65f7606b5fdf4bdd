import { afterAll, beforeAll, describe } from '@jest/globals';
import type { HypervisorFixture } from './fixture.ts';
import { describeDisks, describeSnapshots } from './promises/disks.ts';
import { describeGrowth } from './promises/growth.ts';
import { describeImages } from './promises/images.ts';
import { describeInterruptions } from './promises/interruptions.ts';
import { describeInventory } from './promises/inventory.ts';
import { describeBoots, describePower } from './promises/power.ts';
import { describeRegistration } from './promises/registration.ts';

interface ConformanceOptions {
  /** Gives an empty site of its own. */
  readonly start: () => Promise<HypervisorFixture>;
  /** False for a site that can switch VMs on but has no guest in them, as a simulated vCenter. */
  readonly hasGuests: boolean;
  /** For a site that passes the rest without its guests, which take long to boot. */
  readonly onlyBoots?: boolean;
}

/** What every driver of the Hypervisor port promises. */
export function describeHypervisor(
  title: string,
  { start, hasGuests, onlyBoots = false }: ConformanceOptions,
): void {
  describe(`${title}, as every hypervisor,`, () => {
    let site: HypervisorFixture;
    beforeAll(async () => {
      site = await start();
    });
    afterAll(async () => site.stop());
    const parts = { site: (): HypervisorFixture => site };
    if (hasGuests) describeBoots(parts);
    if (onlyBoots) return;
    describeInventory(parts);
    describeRegistration(parts);
    describeDisks(parts);
    describeGrowth(parts);
    describeSnapshots(parts);
    describePower(parts);
    describeImages(parts);
    describeInterruptions(parts);
  });
}
