import { X509Certificate } from 'node:crypto';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { createLabCertificates } from '../../../local/tls/create-certificate.ts';

describe("the lab's certificates", () => {
  it('are one authority and a server of it, for loopback only', async () => {
    const { caPem, server } = await createLabCertificates();
    const [ca, certificate] = [
      new X509Certificate(caPem),
      new X509Certificate(server.certificatePem),
    ];
    expect(ca.ca).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1');
    expect(certificate.checkHost('example.net')).toBeUndefined();
  });

  it('are made anew each time', async () => {
    const [one, two] = await Promise.all([createLabCertificates(), createLabCertificates()]);
    const certificate = new X509Certificate(one.server.certificatePem);
    expect(certificate.verify(new X509Certificate(two.caPem).publicKey)).toBe(false);
  });

  it('are what a client that trusts the authority accepts, and no other', async () => {
    const { caPem, server } = await createLabCertificates();
    const { caPem: otherPem } = await createLabCertificates();
    const listening = createServer(
      { key: server.keyPem, cert: server.certificatePem },
      (_request, response) => response.end('hello'),
    );
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    const { port } = listening.address() as AddressInfo;
    const ask = async (ca: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port, ca, agent: false };
        request(options, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .once('error', reject)
          .end();
      });
    try {
      expect(await ask(caPem)).toBe(200);
      await expect(ask(otherPem)).rejects.toMatchObject({
        code: expect.stringMatching(/CERT|VERIFY|SIGN/),
      });
    } finally {
      listening.closeAllConnections();
      await new Promise((resolve) => listening.close(resolve));
    }
  });
});
