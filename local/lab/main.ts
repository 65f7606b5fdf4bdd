import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { redact } from '../../shared/domain/secret.ts';
import { missingForVcenterPeer } from '../vcenter/build-peer.ts';
import { type BootChoice, chooseBoot } from './boot-choice.ts';
import { runDemo } from './demo.ts';
import { LabFolder } from './lab-folder.ts';
import { sampleVm, seedSampleVm } from './sample-vm.ts';
import { Lab } from './start-lab.ts';
import { VcenterSite } from './vcenter-site.ts';

const HELP = `The lab: Azure, the Function App and one site on this machine.

  npm run demo [-- options]   brings a VM home and ends
  npm start    [-- options]   starts the same lab and leaves it running

  --port NUMBER    of the HTTP API (start: 7071, demo: any free port)
  --folder FOLDER  where the lab keeps everything (default .lab/demo, .lab/start)
  --resume         demo: go on with an interrupted demonstration instead of starting afresh
  --simulate-boot  do not use QEMU even if it is installed
  --site KIND      demo: local (default), or vcenter: a vCenter for tests instead of folders
  --help           this text
`;

const DEFAULT_PORT = 7071;

interface Options {
  readonly command: string;
  readonly port: number | undefined;
  readonly folder: string | undefined;
  readonly isResumed: boolean;
  readonly simulatesBoot: boolean;
  readonly isVcenter: boolean;
}

function readOptions(): Options | null {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      port: { type: 'string' },
      folder: { type: 'string' },
      resume: { type: 'boolean', default: false },
      'simulate-boot': { type: 'boolean', default: false },
      site: { type: 'string', default: 'local' },
      help: { type: 'boolean', default: false },
    },
  });
  const command = positionals[0] ?? '';
  if (values.help) {
    process.stdout.write(HELP);
    return null;
  }
  if (!['demo', 'start'].includes(command)) {
    throw new Error(`"${command}" is neither demo nor start; --help shows what there is.`);
  }
  if (!['local', 'vcenter'].includes(values.site)) {
    throw new Error(`--site ${values.site}: there are local and vcenter.`);
  }
  const isVcenter = values.site === 'vcenter';
  if (isVcenter && (command !== 'demo' || values.resume)) {
    throw new Error('--site vcenter is for a new demo: its vCenter forgets its VMs when it stops.');
  }
  return {
    command,
    isVcenter,
    port: portOf(values.port),
    folder: values.folder,
    isResumed: values.resume,
    simulatesBoot: values['simulate-boot'],
  };
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`--port ${text}: a port is a whole number from 0 to 65535.`);
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options === null) return;
  const isDemo = options.command === 'demo';
  const appRoot = resolve(import.meta.dirname, '../../..');
  const root = resolve(options.folder ?? join('.lab', options.command));
  if (isDemo && !options.isResumed) startAfresh(root);
  const stopping = new AbortController();
  const onSignal = (): void => stopping.abort(new Error('interrupted'));
  // They stay: a second Ctrl-C must not kill the lab while it stops its programs.
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const boot = chooseBoot(join(appRoot, '.lab', 'cache'), options.simulatesBoot);
  const lab = await startLab({ options, appRoot, root, boot });
  try {
    const vm = sampleVm(isDemo ? 'demo-vm' : 'web-01');
    await seedSampleVm(lab, vm, boot.buildOsDisk);
    if (isDemo) await runDemo(lab, vm, stopping.signal);
    else await serve(lab, vm.itemId, stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    reportInterruption(isDemo);
  } finally {
    await lab.stop();
  }
}

async function startLab(request: {
  readonly options: Options;
  readonly appRoot: string;
  readonly root: string;
  readonly boot: BootChoice;
}): Promise<Lab> {
  const { options, appRoot, root, boot } = request;
  const isDemo = options.command === 'demo';
  if (options.isVcenter) checkVcenter(boot);
  print(`${boot.explanation}\nStarting the lab in ${root} …`);
  const folder = new LabFolder(root);
  return Lab.start({
    folder,
    appRoot,
    ...(options.isVcenter ? { site: await VcenterSite.start(appRoot, folder) } : {}),
    port: options.port ?? (isDemo ? 0 : DEFAULT_PORT),
    boot: boot.mode,
    agentDelaySeconds: isDemo ? 5 : 20,
  });
}

function checkVcenter({ mode, explanation }: BootChoice): void {
  const missing = missingForVcenterPeer();
  if (missing.length === 0 && mode === 'qemu') return;
  const reason = mode === 'qemu' ? `not installed: ${missing.join(', ')}` : explanation;
  const remedy = 'On Debian, test/peers/install.sh installs what it needs.';
  throw new Error(`The vCenter for tests needs Go, govmomi and QEMU. ${reason} ${remedy}`);
}

/** Only after the lock: another demonstration may be running in the folder. */
function startAfresh(root: string): void {
  new LabFolder(root).lock();
  rmSync(root, { recursive: true, force: true });
}

function reportInterruption(isDemo: boolean): void {
  print(isDemo ? '\nInterrupted. Go on with: npm run demo -- --resume' : '\nStopped.');
  process.exitCode = isDemo ? 130 : 0;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function serve(lab: Lab, itemId: string, signal: AbortSignal): Promise<void> {
  const key = lab.functionKey;
  const header = `-H 'x-functions-key: ${key}'`;
  process.stdout.write(`
The lab runs. A VM "${itemId}" runs in its Azure and keeps writing to its disks.

  HTTP API      ${lab.url}/api
  Function key  ${key}
                (may do everything; keys of a reader and an operator: ${lab.options.folder.path('host', 'keys.json')})

  curl ${header} ${lab.url}/api/protected-items
  curl ${header} -X POST ${lab.url}/api/failbacks -d '{"protectedItemId":"${itemId}"}'
  curl ${header} ${lab.url}/api/failbacks/ID
  curl ${header} -X POST ${lab.url}/api/failbacks/ID/failover      (then commit, or cancel)

Ctrl-C stops it; npm start goes on where it was.
`);
  if (signal.aborted) return;
  await new Promise<void>((resolvePromise) => {
    signal.addEventListener('abort', () => resolvePromise());
  });
}

main().then(
  () => process.exit(process.exitCode ?? 0),
  (error: unknown) => {
    const text = error instanceof Error ? error.message : String(error);
    process.stderr.write(`\nThe lab failed: ${redact(text)}\n`);
    process.exit(1);
  },
);
