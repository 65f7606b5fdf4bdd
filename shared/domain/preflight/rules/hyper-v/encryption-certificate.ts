import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, violated } from '../../verdict.ts';

export const encryptionCertificateGiven: PreflightRule = {
  id: 'hyperv.encryption-certificate',
  statement: 'With data encryption on, its certificate was given.',
  severity: 'blocking',
  errorCode: 'FB-PRE-102',
  check: ({ protection: { origin } }) =>
    origin.kind === 'HyperV'
      ? ifKnown(origin.dataEncryption, 'protection.origin.dataEncryption', (encryption) =>
          encryption.kind === 'off' || encryption.isCertificateGiven
            ? passed
            : violated({ name: 'certificate', needed: 'given', actual: 'none' }),
        )
      : doesNotApply,
};
