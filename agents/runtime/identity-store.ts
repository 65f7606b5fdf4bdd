import { join } from 'node:path';
import { z } from 'zod';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

const identitySchema = z.object({ agentId: z.string(), agentKey: z.string() });
export type Identity = z.infer<typeof identitySchema>;

/** Who we are to the control plane, kept over restarts, readable for its owner only. */
export class IdentityStore {
  readonly #file: string;

  constructor(dataFolder: string) {
    this.#file = join(dataFolder, 'identity.json');
  }

  /** `null` before the first registration, and when the file is damaged: then the agent registers anew. */
  read(): Identity | null {
    return readPrivateFile(this.#file, identitySchema);
  }

  write({ agentId, agentKey }: Identity): void {
    writePrivateFile(this.#file, { agentId, agentKey });
  }
}
