import 'reflect-metadata';
import { webcrypto, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as x509 from '@peculiar/x509';
import { CertificateAuthority } from '../../../agents/configuration-server/certificate-authority.ts';
import { isProofRight, proofOf } from '../../../agents/runtime/enrolment.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { must } from '../../support/must.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const PASSPHRASE = new Secret('a passphrase of the site');
const DAY_MS = 24 * 3_600_000;

let folder: string;
let authority: CertificateAuthority;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'authority-'));
  authority = await CertificateAuthority.open(folder, PASSPHRASE);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function aRequest(name = 'CN=ps-1'): Promise<string> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: ALGORITHM,
  });
  return request.toString('pem');
}

const proven = (csrPem: string, passphrase = PASSPHRASE) => ({
  agentName: 'ps-1',
  agentKind: 'processServer' as const,
  csrPem,
  csrProof: proofOf(passphrase, 'csr', csrPem),
});

/** The request with one byte of its signature changed. */
function tampered(csrPem: string): string {
  const der = Buffer.from(x509.PemConverter.decodeFirst(csrPem));
  der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
  return x509.PemConverter.encode(new Uint8Array(der).buffer, 'CERTIFICATE REQUEST');
}

describe("the site's authority", () => {
  it('signs the key of an agent that knows the passphrase', async () => {
    const csrPem = await aRequest();
    const issued = await authority.issue(proven(csrPem));
    const [certificate, ca] = [issued.certificatePem, issued.caPem].map(
      (pem) => new X509Certificate(pem),
    );
    expect(certificate?.checkIssued(must(ca, 'the certificate of the authority'))).toBe(true);
    expect(certificate?.verify(must(ca, 'the certificate of the authority').publicKey)).toBe(true);
    expect(certificate?.ca).toBe(false);
    expect(ca?.ca).toBe(true);
    expect(certificate?.subjectAltName).toBe('DNS:ps-1');
    expect(certificate?.publicKey.export({ type: 'spki', format: 'der' })).toEqual(
      Buffer.from(new x509.Pkcs10CertificateRequest(csrPem).publicKey.rawData),
    );
    const expected = proofOf(PASSPHRASE, 'cert', issued.certificatePem + issued.caPem);
    expect(isProofRight(issued.proof, expected)).toBe(true);
  });

  it('tells process servers and master targets apart', async () => {
    const csrPem = await aRequest();
    const usages = await Promise.all(
      (['processServer', 'masterTarget'] as const).map(async (agentKind) => {
        const { certificatePem } = await authority.issue({ ...proven(csrPem), agentKind });
        return new X509Certificate(certificatePem).keyUsage;
      }),
    );
    const [client, server] = ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'];
    expect(usages).toEqual([[client], [server]]);
  });

  it('gives certificates that hold now, also for clocks that go wrong, and not for ever', async () => {
    const { certificatePem, caPem } = await authority.issue(proven(await aRequest()));
    const { validFrom, validTo } = new X509Certificate(certificatePem);
    const [ageMs, leftMs] = [Date.now() - Date.parse(validFrom), Date.parse(validTo) - Date.now()];
    expect(ageMs).toBeGreaterThan(10 * 60_000);
    expect(leftMs).toBeGreaterThan(30 * DAY_MS);
    expect(leftMs).toBeLessThan(366 * DAY_MS);
    expect(Date.parse(new X509Certificate(caPem).validTo)).toBeGreaterThan(Date.parse(validTo));
  });

  it.each([
    ['of another passphrase', (csr: string) => proofOf(new Secret('another'), 'csr', csr)],
    ['of another request', () => proofOf(PASSPHRASE, 'csr', 'another')],
    ['for another purpose', (csr: string) => proofOf(PASSPHRASE, 'cert', csr)],
    ['that is empty', () => ''],
  ])('refuses a proof %s', async (_name, proof) => {
    const csrPem = await aRequest();
    const attempt = authority.issue({ ...proven(csrPem), csrProof: proof(csrPem) });
    await expect(attempt).rejects.toMatchObject({
      code: 'FB-AGENT-006',
      values: { agentName: 'ps-1' },
    });
  });

  it('refuses a request that its own key did not sign', async () => {
    const attempt = authority.issue(proven(tampered(await aRequest())));
    await expect(attempt).rejects.toMatchObject({
      code: 'FB-AGENT-012',
      values: { agentName: 'ps-1', reason: 'its own key did not sign it' },
    });
  });

  it('looks at the proof before it reads the request', async () => {
    const garbage = { ...proven('garbage'), csrProof: 'of nothing' };
    await expect(authority.issue(garbage)).rejects.toMatchObject({ code: 'FB-AGENT-006' });
    await expect(authority.issue(proven('garbage'))).rejects.toMatchObject({
      code: 'FB-AGENT-012',
      values: { reason: 'it is no certificate request' },
    });
  });

  it.each(['CN=ps-2', 'OU=ps-1', 'CN=ps-1, CN=ps-2'])(
    'refuses a request of ps-1 that is for %s',
    async (name) => {
      const attempt = authority.issue(proven(await aRequest(name)));
      await expect(attempt).rejects.toMatchObject({
        code: 'FB-AGENT-012',
        values: { reason: 'it is for another name' },
      });
    },
  );

  it('is the same after a restart, and keeps its key for itself', async () => {
    const first = await authority.issue(proven(await aRequest()));
    const again = await CertificateAuthority.open(folder, PASSPHRASE);
    const second = await again.issue(proven(await aRequest()));
    expect(second.caPem).toBe(first.caPem);
    expect(statSync(join(folder, 'authority.json')).mode & 0o077).toBe(0);
    const { keyPem } = JSON.parse(readFileSync(join(folder, 'authority.json'), 'utf8')) as {
      keyPem: string;
    };
    expect(keyPem).toContain('PRIVATE KEY');
    expect(JSON.stringify([first, second])).not.toContain('PRIVATE KEY');
  });

  it('of one site is not that of another', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'authority-'));
    try {
      const other = await CertificateAuthority.open(elsewhere, PASSPHRASE);
      const { caPem } = await other.issue(proven(await aRequest()));
      const { certificatePem } = await authority.issue(proven(await aRequest()));
      const ca = new X509Certificate(caPem);
      expect(new X509Certificate(certificatePem).verify(ca.publicKey)).toBe(false);
    } finally {
      rmSync(elsewhere, { recursive: true, force: true });
    }
  });
});
