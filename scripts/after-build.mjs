/** What the compiler does not copy: scripts that run on other machines. */
import { chmodSync, cpSync, existsSync } from 'node:fs';

const RUNNABLE = [
  'agents/mobility/register.sh',
  'agents/master-target/prepare-linux.sh',
  'agents/service/install-service.sh',
];

for (const path of ['agents/mobility', 'agents/service', 'agents/master-target/prepare-linux.sh']) {
  if (existsSync(path)) cpSync(path, `dist/${path}`, { recursive: true });
}
for (const path of RUNNABLE) {
  if (existsSync(`dist/${path}`)) chmodSync(`dist/${path}`, 0o755);
}
