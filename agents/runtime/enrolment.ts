import 'reflect-metadata';
import { createHmac, timingSafeEqual, webcrypto, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as x509 from '@peculiar/x509';
import { z } from 'zod';
import type { Secret } from '../../shared/domain/secret.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { ControlPlaneClient } from './control-plane-client.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const POLL_MS = 1000;

/** What mutual TLS between process server and master target needs. */
export interface TlsMaterial {
  readonly keyPem: string;
  readonly certificatePem: string;
  readonly caPem: string;
}

const materialSchema = z.object({
  keyPem: z.string(),
  certificatePem: z.string(),
  caPem: z.string(),
});

export interface EnrolmentOptions {
  readonly client: ControlPlaneClient;
  readonly dataFolder: string;
  readonly agentName: string;
  readonly passphrase: Secret;
  readonly configurationServer: string | undefined;
  readonly signal: AbortSignal;
}

/** Proof that its author knows the passphrase, without telling it. */
export function proofOf(passphrase: Secret, purpose: string, text: string): string {
  return createHmac('sha256', passphrase.reveal()).update(`${purpose}:${text}`).digest('hex');
}

export function isProofRight(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The certificate of this agent: the one it has while less than two thirds of its life are over, or a new one. */
export async function enrol(options: EnrolmentOptions): Promise<TlsMaterial> {
  const file = join(options.dataFolder, 'tls.json');
  const known = readPrivateFile(file, materialSchema);
  if (known !== null && isFresh(known.certificatePem)) return known;
  const material = await requestCertificate(options);
  writePrivateFile(file, material);
  return material;
}

/** False also for what is no certificate at all. */
function isFresh(certificatePem: string): boolean {
  try {
    const { validFrom, validTo } = new X509Certificate(certificatePem);
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
    return Date.now() < from + ((to - from) * 2) / 3;
  } catch {
    return false;
  }
}

async function requestCertificate(options: EnrolmentOptions): Promise<TlsMaterial> {
  const { client, agentName, passphrase, signal, configurationServer } = options;
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${agentName}`,
    keys,
    signingAlgorithm: ALGORITHM,
  });
  const csrPem = csr.toString('pem');
  const request = {
    csrPem,
    csrProof: proofOf(passphrase, 'csr', csrPem),
    ...(configurationServer === undefined ? {} : { configurationServer }),
  };
  for (;;) {
    const answer = await client.certificate(request);
    if (answer.state === 'refused') {
      throw new FailbackError(answer.error.code, answer.error.values);
    }
    if (answer.state === 'issued') {
      const { certificatePem, caPem, proof } = answer;
      const expected = proofOf(passphrase, 'cert', certificatePem + caPem);
      if (!isProofRight(proof, expected)) throw new FailbackError('FB-AGENT-007');
      const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
      return { keyPem: x509.PemConverter.encode(der, 'PRIVATE KEY'), certificatePem, caPem };
    }
    await delay(POLL_MS, undefined, { signal });
  }
}
