/**
 * Runs test files in this process, one after the other. After each, a test of its own says so: what is printed before it is that file's.
 */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { END_OF, FILES } from './groups.ts'

const files = JSON.parse(process.env[FILES]!) as readonly string[]
delete process.env[FILES]

/** Of the file that runs. tap's own would come when all have ended, and would take a file that loads for a while for that end. */
const teardowns: (() => unknown)[] = []
Object.assign(t, { teardown: (teardown: () => unknown) => void teardowns.push(teardown) })

for (const file of files) {
  try {
    await import(pathToFileURL(resolve(file)).href)
  } catch (error) {
    t.fail(`${file} does not load`, { error })
  }
  // Tests wait for those before them.
  await t.test(END_OF + file, async (t) => {
    while (teardowns.length > 0) await teardowns.pop()!()
    t.pass()
  })
}
