import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const SCRIPT = join(import.meta.dirname, '../../agents/service/install-service.sh');

/** The variables that the service of an agent has, as the script says that installs it. */
export function serviceEnvironment(): Readonly<Record<string, string>> {
  const lines = readFileSync(SCRIPT, 'utf8').matchAll(/^Environment=(\w+)=(\S+)$/gm);
  return Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value]));
}
