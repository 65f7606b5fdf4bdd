/** Whether an Azure VM that exists is off; deallocated or not makes no difference to what it writes. */
export function isSwitchedOff(powerState: string | null): boolean {
  return powerState === 'stopped' || powerState === 'deallocated';
}
