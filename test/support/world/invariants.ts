import { canEnter, type Phase } from '../../../shared/domain/phases.ts';

/**
 * Watches everything that happens in the world and keeps what must never happen. Nothing is thrown at
 * the moment itself: inside an activity the product would take it for a failure and handle it.
 */
export class Invariants {
  readonly violations: string[] = [];
  /** Azure lost the machine, or cannot be asked: what is left there is kept on purpose. */
  isAzureLost = false;
  #isAzureOn = true;
  #isHomeOn = false;

  azurePower(isOn: boolean): void {
    this.#isAzureOn = isOn;
    this.#checkPower();
  }

  /** Power of the machine at home; a rehearsal's isolated copy does not count. */
  homePower(isOn: boolean): void {
    this.#isHomeOn = isOn;
    this.#checkPower();
  }

  phase(previous: Phase, next: Phase): void {
    if (canEnter(previous, next)) return;
    this.violations.push(`the item went from ${previous} to ${next}`);
  }

  boot(replicationId: string, isVerified: boolean): void {
    if (isVerified) return;
    this.violations.push(`${replicationId} was booted before its disks were proved`);
  }

  /** What the machine at home has to hold, and what it was proved to hold. */
  deletion(phase: Phase, wantedContent: number, homeContent: number | null): void {
    if (phase !== 'committing') {
      this.violations.push(`the Azure VM was deleted in the phase ${phase}`);
    }
    if (homeContent !== wantedContent) {
      const held = `${String(homeContent)} at home, ${wantedContent} wanted`;
      this.violations.push(`the Azure VM was deleted although the disks differ: ${held}`);
    }
  }

  leftoverSnapshots(names: readonly string[], owned: readonly string[]): void {
    const orphans = this.isAzureLost ? [] : names.filter((name) => !owned.includes(name));
    if (orphans.length > 0) this.violations.push(`snapshots nobody owns: ${orphans.join(', ')}`);
  }

  leftoverReads(names: readonly string[], inUse: readonly string[]): void {
    const open = this.isAzureLost ? [] : names.filter((name) => !inUse.includes(name));
    if (open.length > 0) this.violations.push(`snapshots left open to read: ${open.join(', ')}`);
  }

  #checkPower(): void {
    if (!this.#isAzureOn || !this.#isHomeOn) return;
    this.violations.push('the Azure VM and the VM at home were on at the same time');
  }
}
