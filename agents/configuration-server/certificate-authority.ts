import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { z } from 'zod';
import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import type { Secret } from '../../shared/domain/secret.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { isProofRight, proofOf } from '../runtime/enrolment.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 3_600_000;
const CA_LIFETIME_MS = 3650 * DAY_MS;
const AGENT_LIFETIME_MS = 90 * DAY_MS;
/** Clocks of a site may be apart. */
const CLOCK_SKEW_MS = 3_600_000;

const authoritySchema = z.object({ keyPem: z.string(), certificatePem: z.string() });

/** The site's own authority: only agents that know the passphrase get a certificate of it. */
export class CertificateAuthority {
  readonly #key: webcrypto.CryptoKey;
  readonly #certificate: x509.X509Certificate;
  readonly #passphrase: Secret;

  private constructor(
    key: webcrypto.CryptoKey,
    certificate: x509.X509Certificate,
    passphrase: Secret,
  ) {
    this.#key = key;
    this.#certificate = certificate;
    this.#passphrase = passphrase;
  }

  /** Opens the authority of this folder, or makes one on the first start. */
  static async open(dataFolder: string, passphrase: Secret): Promise<CertificateAuthority> {
    const file = join(dataFolder, 'authority.json');
    if (!existsSync(file)) await createAuthority(file);
    const stored = authoritySchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    const der = x509.PemConverter.decodeFirst(stored.keyPem);
    const key = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
    const certificate = new x509.X509Certificate(stored.certificatePem);
    return new CertificateAuthority(key, certificate, passphrase);
  }

  /** Throws FB-AGENT-006 when the proof does not fit, FB-AGENT-012 when the request is not that agent's. */
  async issue({
    agentName,
    agentKind,
    csrPem,
    csrProof,
  }: CommandInput<'issueCertificate'>): Promise<CommandOutput<'issueCertificate'>> {
    // Before the request is parsed: who does not know the passphrase gets no further.
    if (!isProofRight(csrProof, proofOf(this.#passphrase, 'csr', csrPem))) {
      throw new FailbackError('FB-AGENT-006', { agentName });
    }
    const request = await requestOf(csrPem, agentName);
    const now = Date.now();
    const isServer = agentKind === 'masterTarget';
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${agentName}, OU=${agentKind}`,
      issuer: this.#certificate.subject,
      notBefore: new Date(now - CLOCK_SKEW_MS),
      notAfter: new Date(now + AGENT_LIFETIME_MS),
      publicKey: request.publicKey,
      signingKey: this.#key,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.ExtendedKeyUsageExtension([
          isServer ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth,
        ]),
        new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: agentName }]),
      ],
    });
    const certificatePem = certificate.toString('pem');
    const caPem = this.#certificate.toString('pem');
    return {
      certificatePem,
      caPem,
      proof: proofOf(this.#passphrase, 'cert', certificatePem + caPem),
    };
  }
}

/** The name comes from the control plane, the request from the agent: both have to say the same. */
async function requestOf(
  csrPem: string,
  agentName: string,
): Promise<x509.Pkcs10CertificateRequest> {
  const refused = (reason: string): FailbackError =>
    new FailbackError('FB-AGENT-012', { agentName, reason });
  let request: x509.Pkcs10CertificateRequest;
  try {
    request = new x509.Pkcs10CertificateRequest(csrPem);
  } catch {
    throw refused('it is no certificate request');
  }
  if (!(await request.verify())) throw refused('its own key did not sign it');
  const names = request.subjectName.getField('CN');
  if (names.length !== 1 || names[0] !== agentName) throw refused('it is for another name');
  return request;
}

async function createAuthority(file: string): Promise<void> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=azure-failback site authority',
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(now - CLOCK_SKEW_MS),
    notAfter: new Date(now + CA_LIFETIME_MS),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  const keyPem = x509.PemConverter.encode(der, 'PRIVATE KEY');
  const stored = JSON.stringify({ keyPem, certificatePem: certificate.toString('pem') });
  writeFileSync(`${file}.new`, stored, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
