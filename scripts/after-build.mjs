/** What the compiler does not copy. */
import { chmodSync, cpSync, existsSync, mkdirSync } from 'node:fs';

for (const folder of ['agents/mobility']) {
  if (!existsSync(folder)) continue;
  mkdirSync(`dist/${folder}`, { recursive: true });
  cpSync(folder, `dist/${folder}`, { recursive: true });
}
chmodSync('dist/agents/mobility/register.sh', 0o755);
