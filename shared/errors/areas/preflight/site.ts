import type { Catalogue } from '../../entry.ts';

/** FB-PRE: the site, its configuration server and its hypervisor. */
export const SITE_PREFLIGHT_ERRORS = {
  'FB-PRE-030': {
    severity: 'critical',
    category: 'preflight',
    message: 'The configuration server has no connection to the hypervisor.',
    possibleCauses: ['vCenter or the host is down.', 'The account was changed.'],
    recommendedAction: 'Restore the connection and start again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-031': {
    severity: 'critical',
    category: 'preflight',
    message: 'A machine that came from {origin} cannot go to a {hypervisor} site.',
    possibleCauses: ['The wrong configuration server was chosen.'],
    recommendedAction: 'Choose a configuration server of the same hypervisor family.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-034': {
    severity: 'critical',
    category: 'preflight',
    message: 'The VM came from the vCenter {needed}; the site has {actual}.',
    possibleCauses: [
      'The wrong configuration server was chosen.',
      'vCenter was installed anew, which gives it another id.',
    ],
    recommendedAction: 'Fail back to the vCenter the VM came from.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-035': {
    severity: 'critical',
    category: 'preflight',
    message: 'The machine was failed over under the configuration server {needed}, not {actual}.',
    possibleCauses: [
      'The wrong configuration server was chosen.',
      'The original one was replaced instead of restored from its backup.',
    ],
    recommendedAction:
      'Choose {needed}. If it was lost, restore it from its backup under the same name and address.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-036': {
    severity: 'critical',
    category: 'preflight',
    message: 'The VM came from a host without vCenter; the vCenter {actual} was added later.',
    possibleCauses: ['The host was put under a vCenter after the failover.'],
    recommendedAction:
      'Take the host out of the vCenter for the time of the failback and add it to the configuration server by itself.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-037': {
    severity: 'critical',
    category: 'preflight',
    message: 'The account of the configuration server sees no datastores.',
    possibleCauses: [
      'The account is read-only.',
      'The role is given on another level than the data centre, or does not pass down.',
    ],
    recommendedAction:
      'Give the account a role with the privileges of docs/preflight.md on the data centre, passed down to all below it. A read-only account is enough for a failover but not for a reprotect.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-038': {
    severity: 'critical',
    category: 'preflight',
    message: 'The account of the configuration server lacks these privileges: {privileges}.',
    possibleCauses: [
      'The role was made for the failover only.',
      'The role does not pass down to folders, hosts or datastores.',
      'Another role of the account, on a nearer object, has fewer privileges.',
    ],
    recommendedAction:
      'Give the account a role with the privileges named here on the objects named here, or above them, as on the data centre, with passing down. A role on a nearer object counts instead of the one above.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-039': {
    severity: 'critical',
    category: 'preflight',
    message:
      'The ESXi host has the free edition ({actual}), which refuses every change by its interface.',
    possibleCauses: ['No licence was assigned, or the evaluation has ended.'],
    recommendedAction:
      'Assign a licence or an evaluation to the host. The free edition can be failed over from, not back to.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-073': {
    severity: 'critical',
    category: 'preflight',
    message: 'The site has {actual} discovered master targets; at least {needed} is needed.',
    possibleCauses: [
      'No master target is installed.',
      'It is not a VM of the vCenter or host that was added.',
      'Discovery takes up to 30 minutes.',
    ],
    recommendedAction:
      'Install a master target as a VM of this site, with VMware Tools, and refresh the configuration server.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-074': {
    severity: 'critical',
    category: 'preflight',
    message: 'These hosts were not discovered: {hosts}.',
    possibleCauses: [
      'The hosts were not added to the configuration server.',
      'Discovery takes up to 30 minutes.',
    ],
    recommendedAction: 'Add the hosts or their vCenter to the configuration server and refresh it.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-094': {
    severity: 'critical',
    category: 'preflight',
    message: 'These hosts are in maintenance mode, in which no VM starts: {hosts}.',
    possibleCauses: [
      'The host is being updated or repaired.',
      'The VM that is off stayed on the host when that went into maintenance mode.',
    ],
    recommendedAction:
      'End the maintenance mode, or move the original VM and the VM of the master target to another host that reaches their datastores.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-090': {
    severity: 'critical',
    category: 'preflight',
    message: 'The protected item is not in the database of the configuration server.',
    possibleCauses: [
      'The configuration server was set up anew, or restored from a backup that is older than the item.',
    ],
    recommendedAction:
      'Restore the database from a backup that knows the item, under the same name and address.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-091': {
    severity: 'critical',
    category: 'preflight',
    message: 'The configuration server has the address {actual}; at the failover it had {needed}.',
    possibleCauses: ['It was restored on another machine.', 'Its address was changed.'],
    recommendedAction: 'Give the configuration server the address {needed} again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-092': {
    severity: 'warning',
    category: 'preflight',
    message:
      'The newest backup of the configuration server is not as it should be: {needed} is needed, there is {actual}.',
    possibleCauses: ['No schedule is set.', 'The backup failed, or its target is full.'],
    recommendedAction:
      'Set a schedule and take a backup now. Without the database there is no failback.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-100': {
    severity: 'critical',
    category: 'preflight',
    message: 'The Hyper-V host has no virtual switch {needed}; it has {actual}.',
    possibleCauses: ['The VM goes to another host than it had, and switches are found by name.'],
    recommendedAction: 'Make a virtual switch {needed} on the host, or rename one.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-101': {
    severity: 'critical',
    category: 'preflight',
    message: 'The failover of the Hyper-V VM was not committed.',
    possibleCauses: ['The commit was left out after the failover.'],
    recommendedAction: 'Commit the failover, then start again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-102': {
    severity: 'critical',
    category: 'preflight',
    message: 'Data encryption is on, and its certificate was not given.',
    possibleCauses: [
      'The certificate was downloaded when encryption was switched on and has to be handed over for the way back.',
    ],
    recommendedAction: 'Give the certificate with the request.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
