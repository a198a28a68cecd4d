/**
 * hadolint on every Dockerfile: it knows what builders do and what goes wrong in shells.
 */
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { DOCKERFILES } from './files.ts'
import type { Check } from './run.ts'
import { pythonTools, run } from './tools.ts'

export async function lintDockerfiles(check: Check): Promise<void> {
  const hadolint = join(await pythonTools(), 'hadolint')
  for (const path of DOCKERFILES)
    await check(`hadolint ${path}`, async () => void (await run(hadolint, [path])))
  for (const path of globSync('docker/**/*.sh'))
    await check(`sh -n ${path}`, async () => void (await run('sh', ['-n', path])))
}
