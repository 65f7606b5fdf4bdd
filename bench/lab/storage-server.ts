import { startAzurite } from '../../local/azurite/start-azurite.ts';
import { leaveOutUnaskedMd5 } from './no-unasked-md5.ts';

/**
 * The lab's storage as a process of its own, so that neither its CPU time nor its memory is counted as
 * ours. Prints `storage <url>` when ready; ends with its standard input.
 */
const [, , account = '', keyBase64 = '', dataFolder = ''] = process.argv;

leaveOutUnaskedMd5();
const azurite = await startAzurite({
  dataFolder,
  ports: { blob: 0, queue: 0, table: 0 },
  accounts: [{ name: account, keyBase64 }],
  managedDiskAccounts: [account],
});
process.stdout.write(`storage ${azurite.blobUrl(account)} ready\n`);
process.stdin.resume();
// What is stored dies with the benchmark's folder: nothing needs to be saved.
process.stdin.on('end', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
