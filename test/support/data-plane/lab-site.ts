import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { CertificateAuthority } from '../../../agents/configuration-server/certificate-authority.ts';
import { createMasterTargetHandlers } from '../../../agents/master-target/handlers.ts';
import { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import { ReplicationGate } from '../../../agents/master-target/replication-gate.ts';
import { RetentionVolume } from '../../../agents/master-target/retention-volume.ts';
import type { RetentionPolicy } from '../../../agents/master-target/retention.ts';
import { startTransferServer } from '../../../agents/master-target/transfer-server.ts';
import { proofOf, type TlsMaterial } from '../../../agents/runtime/enrolment.ts';
import { Activity } from '../../../agents/runtime/queue-pace.ts';
import type { CommandHandlers } from '../../../agents/runtime/types.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { loggerInto } from './command-context.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const PASSPHRASE = new Secret('a passphrase of the lab');
const PREPARE_SCRIPT = join(process.cwd(), 'agents/master-target/prepare-linux.sh');

/** A site: its authority, its retention volume, and master targets on that volume. */
export interface LabSite {
  readonly folder: string;
  readonly retentionFolder: string;
  /** What the master targets warned of. */
  readonly warnings: readonly string[];
  certificate(kind: 'processServer' | 'masterTarget'): Promise<TlsMaterial>;
  /** Starts a master target; starting again after a stop is a restart. */
  startMasterTarget(): Promise<MasterTarget>;
  stop(): Promise<void>;
}

export interface MasterTarget {
  readonly port: number;
  readonly handlers: CommandHandlers;
  stop(): Promise<void>;
}

export interface SiteOptions {
  readonly retention?: RetentionPolicy;
  /** Called with the empty retention folder before anything uses it. */
  readonly onRetentionFolder?: (folder: string) => void;
}

export async function startLabSite({
  retention = { maxPoints: 3, maxAgeHours: 24 },
  onRetentionFolder = () => undefined,
}: SiteOptions = {}): Promise<LabSite> {
  const folder = mkdtempSync(join(tmpdir(), 'lab-site-'));
  const retentionFolder = join(folder, 'retention');
  mkdirSync(retentionFolder);
  onRetentionFolder(retentionFolder);
  const authority = await CertificateAuthority.open(folder, PASSPHRASE);
  const running = new Set<MasterTarget>();
  const warnings: string[] = [];
  const certificate = (kind: 'processServer' | 'masterTarget'): Promise<TlsMaterial> =>
    issue(authority, kind);
  return {
    folder,
    retentionFolder,
    warnings,
    certificate,
    startMasterTarget: async () => {
      const log = loggerInto(warnings);
      const gate = new ReplicationGate();
      const folderOf = (id: string): ReplicationFolder =>
        new ReplicationFolder(retentionFolder, id);
      const volume = new RetentionVolume({ retentionFolder, dataFolder: folder });
      const sessions = { folderOf, gate, retention, volume, log };
      const listen = { host: '127.0.0.1', port: 0 };
      const tls = await certificate('masterTarget');
      const server = await startTransferServer({ listen, tls, sessions, activity: new Activity() });
      const transferAddress = { host: '127.0.0.1', port: server.port };
      const parts = {
        retentionFolder,
        dataFolder: folder,
        volume,
        retention,
        osType: 'Linux',
        gate,
        transferAddress,
        prepareScript: PREPARE_SCRIPT,
      } as const;
      const masterTarget: MasterTarget = {
        port: server.port,
        handlers: createMasterTargetHandlers(parts),
        stop: async () => {
          running.delete(masterTarget);
          await server.stop();
        },
      };
      running.add(masterTarget);
      return masterTarget;
    },
    stop: async () => {
      for (const each of running) await each.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function issue(
  authority: CertificateAuthority,
  agentKind: 'processServer' | 'masterTarget',
): Promise<TlsMaterial> {
  const agentName = `${agentKind}-1`;
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${agentName}`,
    keys,
    signingAlgorithm: ALGORITHM,
  });
  const csrPem = csr.toString('pem');
  const csrProof = proofOf(PASSPHRASE, 'csr', csrPem);
  const issued = await authority.issue({ agentName, agentKind, csrPem, csrProof });
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    keyPem: x509.PemConverter.encode(der, 'PRIVATE KEY'),
    certificatePem: issued.certificatePem,
    caPem: issued.caPem,
  };
}
