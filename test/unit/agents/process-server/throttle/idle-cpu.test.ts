import { describe, expect, it } from '@jest/globals';
import { IdleCpu } from '../../../../../agents/process-server/throttle/idle-cpu.ts';

class Machine {
  nowMs = 1000;
  idleMs = 5000;
  allMs = 9000;
  reads = 0;
  readonly cpu = new IdleCpu(
    () => this.nowMs,
    () => {
      this.reads += 1;
      return { idleMs: this.idleMs, allMs: this.allMs };
    },
  );

  /** What is said after so long on two processors, of which so much was idle. */
  after(passedMs: number, idleShare: number): number {
    this.nowMs += passedMs;
    this.allMs += passedMs * 2;
    this.idleMs += passedMs * 2 * idleShare;
    return this.cpu.share();
  }
}

describe('the idle share of the CPU time', () => {
  it('is all of it before anything was measured', () => {
    expect(new Machine().after(0, 0)).toBe(1);
  });

  it('is that of the last while, not since the machine started', () => {
    const machine = new Machine();
    expect(machine.after(250, 0.1)).toBeCloseTo(0.1);
    expect(machine.after(250, 0.7)).toBeCloseTo(0.7);
  });

  it('is measured four times a second at most', () => {
    const machine = new Machine();
    machine.after(250, 0.5);
    const { reads } = machine;
    for (let count = 0; count < 24; count += 1) machine.after(10, 0);
    expect(machine.reads).toBe(reads);
    expect(machine.after(10, 0)).toBeCloseTo(0);
  });

  it('does not count a pause in which nobody asked', () => {
    const machine = new Machine();
    machine.after(250, 0.1);
    expect(machine.after(60_000, 1)).toBeCloseTo(0.1);
    expect(machine.after(250, 0.4)).toBeCloseTo(0.4);
  });

  it('is all of it where the system counts nothing', () => {
    let nowMs = 0;
    const cpu = new IdleCpu(
      () => nowMs,
      () => ({ idleMs: 0, allMs: 0 }),
    );
    nowMs = 250;
    expect(cpu.share()).toBe(1);
  });

  it('of this machine is a share', () => {
    let nowMs = 0;
    const cpu = new IdleCpu(() => nowMs);
    const until = performance.now() + 50;
    while (performance.now() < until);
    nowMs = 250;
    expect(cpu.share()).toBeGreaterThanOrEqual(0);
    expect(cpu.share()).toBeLessThan(1);
  });
});
