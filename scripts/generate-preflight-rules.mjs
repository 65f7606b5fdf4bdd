/** Writes docs/preflight.md from the table of rules; with --check only says whether it is up to date. */
import { RULES } from '../shared/domain/preflight/rules/index.ts';
import {
  NOT_ASKED_IN_AVS,
  PROCESS_SERVER_SIZES,
  VSPHERE_PRIVILEGES,
} from '../shared/policy/preflight-limits.ts';
import { cell, writeOrCheck } from './generated-document.mjs';

/** Rules by the first word of their id, in the order of the table. */
const SUBJECTS = {
  azure: 'The machine and its network in Azure',
  'process-server': 'Process server',
  'configuration-server': 'Configuration server',
  site: 'Site and hypervisor',
  hyperv: 'Hyper-V',
  physical: 'Machines that were physical',
  original: 'Back to the original VM (OLR)',
  alternate: 'Back to a new VM (ALR)',
  location: 'Size of the download',
  'master-target': 'Master target',
  guest: 'The guest after its return',
  clocks: 'Clocks',
  protection: 'Replication',
};

const subjectOf = ({ id }) => id.split('.')[0];
const strangers = RULES.filter((rule) => !Object.hasOwn(SUBJECTS, subjectOf(rule)));
if (strangers.length > 0) {
  throw new Error(`No heading for ${strangers.map(({ id }) => id).join(', ')}`);
}

const row = ({ id, statement, severity, errorCode }) =>
  `| ${cell(statement)} | ${severity} | [${errorCode}](errors.md#${errorCode.toLowerCase()}) | \`${id}\` |`;

const rules = Object.entries(SUBJECTS).map(
  ([subject, title]) => `## ${title}

| what has to hold | weight | code | rule |
| --- | --- | --- | --- |
${RULES.filter((rule) => subjectOf(rule) === subject)
  .map(row)
  .join('\n')}
`,
);

const gigabytes = (bytes) => `${bytes / 1e9} GB`;
const sizes = PROCESS_SERVER_SIZES.map(
  ({ cpuCount, memoryBytes, cacheBytes, maxChangeBytesPerDay }) =>
    `| ${gigabytes(maxChangeBytesPerDay)} | ${cpuCount} | ${gigabytes(memoryBytes)} | ${gigabytes(cacheBytes)} |`,
);

const privileges = Object.entries(VSPHERE_PRIVILEGES).map(
  ([purpose, ids]) => `- To ${purpose}: ${ids.map((id) => `\`${id}\``).join(', ')}`,
);

writeOrCheck(
  'docs/preflight.md',
  `# Preflight rules

Generated from \`shared/domain/preflight/rules\` by \`npm run docs\`. There are ${RULES.length} rules. They look at facts that
were gathered before, and change nothing.

- **blocking**: the failback does not start. **warning**: for you to weigh. **info**: says what will happen.
- A fact that could not be found out never passes: the rule answers FB-PRE-001 with its own weight, and says what to do.
- A fact that a run does not ask for is said with FB-PRE-003 and does not stand in the way.
- A rule says nothing where it does not apply: rules about vSphere on Hyper-V or in the lab, rules about a
  new VM where the original one is used.
- Every finding names what is needed and what is there, with units; the code tells causes and what to do.

${rules.join('\n')}
## What a person has to say

No program can find these out. Say them in \`failover\` of the protected item (PUT); what nobody said is unknown, and blocks
where a rule needs it.

| field | who needs it |
| --- | --- |
| \`isMigrationCompleted\` | FB-PRE-015, always. A PUT that leaves it out keeps what was said before. |
| \`isOriginalVmGone\` | FB-PRE-065, for a new VM where no VM has the name of the machine: the one that was failed over may have been renamed. Or give its instance UUID in \`target.vmId\`: one that is not there by its UUID is gone. |
| \`disksAddedInAzure\` | FB-PRE-063, for disks that the machine did not have on-premises. Others that are not attached to the VM were detached. |
| \`configurationServer\`, \`configurationServerAddress\` | FB-PRE-035, FB-PRE-091. Taken from the first PUT, and from the agent that is registered then. |
| \`vcenterId\` | FB-PRE-034, FB-PRE-036, for VMs from VMware at a vSphere site |
| \`isCommitted\`, \`dataEncryption\` | FB-PRE-101, FB-PRE-102, for VMs from Hyper-V |
| \`osName\` | FB-PRE-071, for physical servers |
| \`isNetworkManagerRemoved\`, \`vmwareTools\` | FB-PRE-111, FB-PRE-112, which only warn |

Which disk of the VM is which (FB-PRE-078) stands in \`target.disks\`, where disks of one size leave it open.

## What no rule looks at

- **Virtual switches of Hyper-V** (FB-PRE-100): there is no driver for Hyper-V yet, so that nobody tells them. Until there is
  one, the rule only ever answers FB-PRE-001.
- **Port 443 of the configuration server**: the process server never speaks to it. Both reach the Function App on 443, through
  which every answer of theirs comes; heartbeats say when they do not (FB-PRE-081, FB-ORC-010).
- **RDM disks of a new VM**: the product makes files only.
- **The host of a new VM**: it is always that of the master target. Whether that host reaches the datastore is FB-PRE-066.
- **Single objects of vSAN, LUNs and files of disks**: what counts is whether the disk is attached, and whether its datastore is
  accessible.

## Size of a process server

Figures of Site Recovery for an additional process server. More changes need a second process server.

| changes a day, up to | vCPUs | memory | cache |
| --- | --- | --- | --- |
${sizes.join('\n')}

## Privileges in vCenter

The account of the configuration server needs them on the data centre, passed down to all below it, and
\`Global.Licenses\` at the root. In Azure VMware Solution ${NOT_ASKED_IN_AVS.join(', ')} is not asked for; the role CloudAdmin has all
others. Where a role on the data centre is too much, it may be given on what is worked with: preflight asks for each
privilege on the object where it is used, and FB-PRE-038 names that object. \`VirtualMachine.Config.DiskExtend\` is not asked for:
only a failback whose disk grows in Azure ends without it.

| on | which privileges |
| --- | --- |
| the root of the inventory | \`Global.Licenses\` |
| the data centre | \`Global.CancelTask\` |
| its folder of VMs | \`VirtualMachine.*\` |
| the VMs of the master targets | \`VirtualMachine.Config.AddExistingDisk\`, \`AddRemoveDevice\`, \`RemoveDisk\`, and \`RawDevice\` where a VM with a raw device mapping comes home |
| the resource pool of their hosts | \`Resource.*\` |
| the datastore of new VMs | \`Datastore.*\` |
| the networks of the configuration | \`Network.*\` |

${privileges.join('\n')}
`,
);
