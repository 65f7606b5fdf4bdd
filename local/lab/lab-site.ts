/** A site that the lab drives through something else than folders. */
export interface LabSite {
  /** The configuration server's section `hypervisor`. */
  readonly hypervisor: object;
  /** For the master target's process. */
  readonly masterTargetEnvironment: Readonly<Record<string, string>>;
  /** What is known of a machine of this site when it is taken under care. */
  readonly failover: object;
  /** For VMs that have to be made. */
  readonly datastore: string;
  /** The file with the bytes of a disk of a VM that is home. */
  diskFile(vmName: string, diskId: string): string;
  /** From now on the guests of the site register where they are told to. */
  liveWith(mobility: { readonly port: number; readonly passphrase: string }): void;
  stop(): Promise<void>;
}
