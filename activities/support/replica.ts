/** Name of the page blob in which a disk lives on in Azure. */
export function replicaName(itemId: string, diskId: string): string {
  return `${itemId}/${diskId}.vhd`;
}
