/**
 * Servers that the test files of a run share: each would take longer to start than most tests take.
 */
import { createPostgresServer } from '../postgres-server.ts'

/** Where they are, for the environment. */
export const POSTGRES = 'DAY7_TEST_POSTGRES'

/** Test files that are started afterwards find them by this process's environment. @returns what stops them */
export async function startServers(): Promise<() => Promise<void>> {
  const server = await createPostgresServer()
  process.env[POSTGRES] = server.url
  return async () => {
    delete process.env[POSTGRES]
    await server.remove()
  }
}
