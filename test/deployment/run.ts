/**
 * The deployment, built and run on this machine: the Dockerfiles by a real builder on base images made here, the containers with the
 * limits that they are shipped with, compose.yaml by Docker Compose, and the manifests against Kubernetes' schemas.
 *
 *   npm run test:deployment                    all of it: a quarter of an hour, and an hour the first time
 *   npm run test:deployment -- lint images     some parts: lint, manifests, images, compose
 *
 * Needs Linux, root and the packages that it names if they are missing; downloads from package registries alone. The last line is
 * `N passed, N failed`.
 */
import { testCompose } from './compose.ts'
import { testImages } from './images.ts'
import { lintDockerfiles } from './lint.ts'
import { testManifests } from './manifests.ts'

/** Does the work and throws if it did not go well; what it returns is said behind its name. */
export type Check = (name: string, work: () => Promise<string | void>) => Promise<void>

const PARTS: Readonly<Record<string, (check: Check) => Promise<void>>> = {
  lint: lintDockerfiles,
  manifests: testManifests,
  images: testImages,
  compose: testCompose,
}

let passed = 0
let failed = 0

const check: Check = async (name, work) => {
  const startedMs = performance.now()
  try {
    const said = await work()
    passed++
    console.log(
      `ok ${name}${said ? `: ${said}` : ''} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`,
    )
  } catch (error) {
    failed++
    console.log(`not ok ${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((part) => !Object.hasOwn(PARTS, part))
if (unknown.length > 0)
  throw new Error(`expected some of ${Object.keys(PARTS).join(', ')}, got ${unknown.join(', ')}`)
for (const [part, test] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(part)) continue
  console.log(`\n${part}`)
  await check(`${part} ran to its end`, () => test(check))
}
console.log(`\n${passed} passed, ${failed} failed`)
// An exit code that is only set would be overwritten by tap, which helpers load.
process.exit(failed > 0 ? 1 : 0)
