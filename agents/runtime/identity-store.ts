import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const identitySchema = z.object({ agentId: z.string(), agentKey: z.string() });
export type Identity = z.infer<typeof identitySchema>;

/** Who we are to the control plane, kept over restarts, readable for its owner only. */
export class IdentityStore {
  readonly #file: string;

  constructor(dataFolder: string) {
    this.#file = join(dataFolder, 'identity.json');
  }

  read(): Identity | null {
    if (!existsSync(this.#file)) return null;
    const parsed = identitySchema.safeParse(JSON.parse(readFileSync(this.#file, 'utf8')));
    return parsed.success ? parsed.data : null;
  }

  write({ agentId, agentKey }: Identity): void {
    const temporary = `${this.#file}.new`;
    writeFileSync(temporary, JSON.stringify({ agentId, agentKey }), { mode: 0o600 });
    renameSync(temporary, this.#file);
  }
}
