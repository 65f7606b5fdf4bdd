import { setFlagsFromString } from 'node:v8';

/**
 * For programs through which disks flow. Their heap is small, but every block passes in buffers outside of
 * it, and by default V8 searches the whole heap after each 16 MiB of those: nearly half of the CPU time. With
 * this, young objects, and with them the buffers they hold, are looked through often, and the heap seldom:
 * young ones when three tenths of their space are used, because few objects hold many bytes.
 * docs/benchmarks.md has the figures.
 */
export function collectForStreaming(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--minor-gc-task-trigger=30');
  setFlagsFromString('--heap-growing-percent=200');
}
