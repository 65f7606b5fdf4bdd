/** `KILL_EVERY=1` dies at every single place; unset, each test takes its own stride, to stay short. */
const asked = Number(process.env['KILL_EVERY'] ?? Number.NaN);

/**
 * Commits after which a host is killed: each `stride`-th of them. Odd strides meet commits of orchestrations
 * and of activities, which take turns. Prints what is left out.
 */
export function killPlaces(name: string, commits: number, stride: number): readonly number[] {
  const step = Number.isNaN(asked) ? stride : asked;
  const places: number[] = [];
  for (let after = 1; after < commits; after += step) places.push(after);
  const rest = commits - 1 - places.length;
  const hint = rest === 0 ? '' : `, ${rest} left out (KILL_EVERY=1 takes them all)`;
  process.stdout.write(`${name}: killed at ${places.length} of ${commits - 1} commits${hint}\n`);
  return places;
}
