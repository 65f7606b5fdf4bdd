/** Name under which the master key of the Function App is reported. */
export const MASTER_KEY_NAME = '_master';

/** The keys that open the Function App. The host checks them, but tells functions the key, not its name. */
export interface AccessKeys {
  /**
   * Name of a key that opens the function, `null` when none of its keys is this one. Throws FB-AZ-001 or FB-AZ-002
   * when the keys cannot be read.
   */
  nameOf(key: string, functionName: string): Promise<string | null>;
}
