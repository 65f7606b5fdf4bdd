import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { freePort } from './free-port.ts';
import { makeFolder } from '../../agents/runtime/make-folder.ts';

const secretsSchema = z.object({
  storageKey: z.string(),
  registrationToken: z.string(),
  passphrase: z.string(),
});
const portsSchema = z.record(z.string(), z.int());
export type LabSecrets = z.infer<typeof secretsSchema>;

/** Everything of one lab is below one folder, so that it can be resumed, and thrown away. */
export class LabFolder {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
    try {
      makeFolder(root);
      accessSync(root, constants.W_OK);
    } catch (error) {
      throw new Error(`The lab's folder ${root} is not writable.`, { cause: error });
    }
  }

  path(...names: readonly string[]): string {
    return join(this.root, ...names);
  }

  folder(...names: readonly string[]): string {
    const folder = this.path(...names);
    makeFolder(folder);
    return folder;
  }

  /** Made at random on the first start, then kept. */
  secrets(): LabSecrets {
    const file = this.path('secrets.json');
    if (!existsSync(file)) {
      const fresh: LabSecrets = {
        storageKey: randomBytes(32).toString('base64'),
        registrationToken: randomBytes(16).toString('hex'),
        passphrase: randomBytes(16).toString('hex'),
      };
      writeFileSync(file, JSON.stringify(fresh), { mode: 0o600 });
    }
    return secretsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  }

  /**
   * A port for one of the lab's programs, the same at each start: jobs that go on remember addresses.
   * Another one when somebody else took it meanwhile.
   */
  async port(program: string): Promise<number> {
    const file = this.path('ports.json');
    const known = existsSync(file) ? portsSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : {};
    const port = await freePort(known[program] ?? 0);
    writeFileSync(file, JSON.stringify({ ...known, [program]: port }));
    return port;
  }

  /** One lab a folder. Throws when another process holds it. */
  lock(): void {
    const file = this.path('lock');
    if (existsSync(file)) {
      const pid = Number(readFileSync(file, 'utf8'));
      if (isAlive(pid)) {
        throw new Error(`Another lab (process ${pid}) runs in ${this.root}; stop it first.`);
      }
    }
    writeFileSync(file, String(process.pid));
  }

  unlock(): void {
    rmSync(this.path('lock'), { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid || !(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
