/**
 * SWC turns TypeScript into CommonJS for Jest only; the product itself is ESM.
 * The projects are the suites a person picks with `npx jest --selectProjects <name>`.
 */
const shared = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2024' },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  // The Functions SDK asks its worker for this module; in tests the lab's stand-in is the worker.
  moduleNameMapper: {
    '^@azure/functions-core$': '<rootDir>/local/functions-host/core-module.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.lab/'],
};

const suite = (name, folders) => ({
  ...shared,
  displayName: name,
  testMatch: folders.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
});

export default {
  projects: [
    suite('unit', ['unit', 'activities', 'architecture']),
    suite('replay', ['replay']),
    suite('orchestrations', ['orchestrations']),
    suite('contract', ['contract']),
    suite('e2e', ['e2e']),
  ],
  // Two cores: more workers only fight with the servers that the tests start.
  maxWorkers: 2,
  // Only there to end a test that hangs; how long something takes is never asserted.
  testTimeout: 120_000,
};
