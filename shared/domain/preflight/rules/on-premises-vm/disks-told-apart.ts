import type { DiskMatch, OnPremisesDisk } from '../../facts/location.ts';
import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, together, type Verdict, violated } from '../../verdict.ts';
import { withOriginalOnVsphere } from '../support.ts';

/** A disk that is taken for another one would be overwritten; the preparation refuses what is not certain, too. */
export const disksToldApart: PreflightRule = {
  id: 'original.disks.told-apart',
  statement: 'It is certain which disk of the VM is which of the machine.',
  severity: 'blocking',
  errorCode: 'FB-PRE-078',
  check: (facts) =>
    withOriginalOnVsphere(facts, ({ disks, matches }) =>
      ifKnown(matches, 'location.storage.matches', (known) => {
        const there = (disks ?? []).map(shown).join(', ') || 'none';
        return together([passed, ...known.map((each) => judge(each, there))]);
      }),
    ),
};

const REASONS = {
  ambiguous: 'several disks have one size',
  unfound: 'the one that target.disks names is not there',
  otherSize: 'the one that it would be has another size',
} as const;

function judge({ diskId, match }: DiskMatch, there: string): Verdict {
  if (match === 'found' || match === 'missing') return passed;
  const actual = REASONS[match];
  return violated({ name: diskId, needed: 'one disk', actual }, { diskId, there });
}

function shown({ name, place, sizeBytes }: OnPremisesDisk): string {
  return sizeBytes === null ? (place ?? name) : `${place ?? name} (${sizeBytes} bytes)`;
}
