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
const INSTALL_SERVICE = `${PROGRAM_FOLDER}/dist/agents/service/install-service.sh`;

/**
 * First boot of a process server: its configuration, and the program as a service. The package is what
 * scripts/package-agents.mjs makes. JSON is valid YAML.
 */
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
    ],
    runcmd: [
      ['mkdir', '-p', PROGRAM_FOLDER, DATA_FOLDER],
      ['curl', '--fail', '--retry', '10', '--output', '/tmp/agents.tar.gz', seed.packageUrl],
      ['tar', '-xzf', '/tmp/agents.tar.gz', '-C', PROGRAM_FOLDER],
      ['sh', INSTALL_SERVICE, 'process-server', CONFIG_PATH],
    ],
  };
  return `#cloud-config\n${JSON.stringify(document, null, 2)}\n`;
}
