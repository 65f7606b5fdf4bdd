import type { TargetDevice } from '../../../shared/contracts/commands.ts';
import type { Hypervisor } from '../../../shared/ports/hypervisor.ts';

/**
 * One site of a driver under test, and what the master target can do there. A driver that runs the suite
 * implements this and nothing else; whatever the suite expects beyond it is the port's own promise.
 */
export interface HypervisorFixture {
  /** The driver as the running configuration server has it; another object after `restart`. */
  readonly hypervisor: Hypervisor;
  /** Puts a VM there that nobody created through the driver, switched off, with disks of zeros. */
  addVm(vm: {
    readonly name: string;
    readonly disks: readonly { readonly diskId: string; readonly sizeBytes: number }[];
  }): Promise<string>;
  /** Writes through the master target; the driver has given the device out. */
  write(device: TargetDevice, offset: number, bytes: Buffer): Promise<void>;
  /** Into the disk that the VM itself writes to. */
  writeAsGuest(vmId: string, diskId: string, offset: number, bytes: Buffer): Promise<void>;
  read(device: TargetDevice, offset: number, length: number): Promise<Buffer>;
  /**
   * Makes a disk from which a guest boots that shows `evidence`; does nothing where there are no guests. Gives the
   * text by which the driver tells such a boot.
   */
  installGuest(device: TargetDevice, evidence: string): Promise<string>;
  /** One that nobody made through the driver. */
  addSnapshot(vmId: string): Promise<void>;
  /** True when the VM is cut off from the production networks. */
  isIsolated(vmId: string): Promise<boolean>;
  /** The program ends, whatever it had under way, and starts again on the same site. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}
