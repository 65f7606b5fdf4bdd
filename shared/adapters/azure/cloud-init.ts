import type { BandwidthSchedule } from '../../domain/bandwidth-schedule.ts';
import type { Secret } from '../../domain/secret.ts';

interface ProcessServerSeed {
  readonly name: string;
  readonly controlPlaneUrl: string;
  readonly registrationToken: Secret;
  readonly passphrase: Secret;
  readonly packageUrl: string;
  /** Absent = unlimited. */
  readonly bandwidth?: BandwidthSchedule | undefined;
}

const CONFIG_PATH = '/etc/azure-failback/process-server.json';
const PROGRAM_FOLDER = '/opt/azure-failback';
const DATA_FOLDER = '/var/lib/azure-failback';

/** By default glibc keeps memory of its own for each of Node's threads: 40 MiB more with dozens of disks. */
export const PROCESS_SERVER_ENVIRONMENT = { MALLOC_ARENA_MAX: '2' } as const;

/** First boot of a process server: its configuration, the program, a service. JSON is valid YAML. */
export function cloudInit(seed: ProcessServerSeed): string {
  const config = {
    name: seed.name,
    controlPlaneUrl: seed.controlPlaneUrl,
    registrationToken: seed.registrationToken.reveal(),
    passphrase: seed.passphrase.reveal(),
    dataFolder: DATA_FOLDER,
    // JSON leaves it out when it is absent.
    bandwidth: seed.bandwidth,
  };
  const document = {
    write_files: [
      { path: CONFIG_PATH, permissions: '0600', content: JSON.stringify(config, null, 2) },
      {
        path: '/etc/systemd/system/azure-failback-process-server.service',
        permissions: '0644',
        content: UNIT,
      },
    ],
    runcmd: [
      ['mkdir', '-p', PROGRAM_FOLDER, DATA_FOLDER],
      ['curl', '--fail', '--retry', '10', '--output', '/tmp/agents.tar.gz', seed.packageUrl],
      ['tar', '-xzf', '/tmp/agents.tar.gz', '-C', PROGRAM_FOLDER],
      ['systemctl', 'enable', '--now', 'azure-failback-process-server'],
    ],
  };
  return `#cloud-config\n${JSON.stringify(document, null, 2)}\n`;
}

const UNIT = `[Unit]
Description=azure-failback process server
Wants=network-online.target
After=network-online.target

[Service]
${Object.entries(PROCESS_SERVER_ENVIRONMENT)
  .map(([name, value]) => `Environment=${name}=${value}`)
  .join('\n')}
ExecStart=${PROGRAM_FOLDER}/node/bin/node ${PROGRAM_FOLDER}/dist/agents/process-server/main.js --config ${CONFIG_PATH}
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
`;
