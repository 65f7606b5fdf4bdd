import { describe, expect, it } from '@jest/globals';
import { averageLimit, WEEKDAYS } from '../../../../shared/domain/bandwidth-schedule.ts';
import { formatBitRate, formatDuration } from '../../../../shared/domain/human-units.ts';

describe('units for people', () => {
  it.each([
    [0, 'less than a minute'],
    [59.9, 'less than a minute'],
    [60, '1 minute'],
    [48 * 60, '48 minutes'],
    [90 * 60, '1.5 hours'],
    [47.9 * 3600, '47.9 hours'],
    [60 * 3600, '2.5 days'],
  ])('show %d seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it.each([
    [8.4e6, '8.4 Mbit/s'],
    [100e6, '100 Mbit/s'],
    [999e6, '999 Mbit/s'],
    [1e9, '1 Gbit/s'],
    [2.5e9, '2.5 Gbit/s'],
  ])('show %d bits a second as %s', (rate, text) => {
    expect(formatBitRate(rate)).toBe(text);
  });
});

describe('the average limit of a schedule', () => {
  const always = { days: WEEKDAYS, from: '00:00', to: '12:00', mbps: 100 };

  it('is that of all hours of the week', () => {
    expect(averageLimit({ defaultMbps: 50, windows: [] })).toBe(50);
    expect(averageLimit({ defaultMbps: 50, windows: [always] })).toBe(75);
  });

  it('is not known where some hours have none', () => {
    expect(averageLimit({ windows: [] })).toBeNull();
    expect(averageLimit({ windows: [always] })).toBeNull();
  });
});
