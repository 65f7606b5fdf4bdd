import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';

export const originalConfigurationServer: PreflightRule = {
  id: 'site.configuration-server.original',
  statement:
    'The machine goes back through the configuration server under which it was failed over.',
  severity: 'blocking',
  errorCode: 'FB-PRE-035',
  check: ({ protection }) =>
    ifKnown(
      protection.originalConfigurationServerId,
      'protection.originalConfigurationServerId',
      (needed) => {
        const actual = protection.chosenConfigurationServerId;
        return actual === needed
          ? passed
          : violated({ name: 'configuration server', needed, actual });
      },
    ),
};
