/**
 * Whether this run has the time for all of it: `npm run test:long` has, and runs every test file that asks here.
 */
export const LONG = process.env['TEST_LONG'] === '1'

/** Of MLflow; the older one needs an environment of its own. */
export const GENERATIONS = LONG ? ([2, 3] as const) : ([3] as const)

/** For a test that only a long run runs: what is skipped is said. */
export const ONLY_LONG = { skip: LONG ? false : 'npm run test:long' } as const
