/**
 * Which test files share a process, and which start first.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { longestFirst } from './durations.ts'
import { groupFiles } from './groups.ts'

t.test(
  'small files of a folder share a process; those that start processes or look at time are alone',
  async (t) => {
    const folder = t.testdir({ one: {}, other: {} })
    const file = (path: string, text: string): string => {
      const whole = join(folder, path)
      writeFileSync(whole, text)
      return whole
    }
    const [a, b, c] = ['one/a', 'other/b', 'one/c'].map((path) => file(`${path}.test.ts`, 't.pass()')) as [
      string,
      string,
      string,
    ]
    const alone = [
      `import { spawn } from 'node:child_process'`,
      `process.on('exit', () => {})`,
      'await startService(t, {})',
      'const startMs = performance.now()',
      `const { x } = await import('./x.ts')`,
      `import { LONG } from '../long.ts'`,
    ].map((text, at) => file(`one/alone-${at}.test.ts`, text))
    t.same(groupFiles([a, ...alone, b, c]), [[a, c], ...alone.map((each) => [each]), [b]])
  },
)

t.test('the longest group starts first, and what is not known counts as long', async (t) => {
  const known = { short: 1, a: 6, b: 6, middle: 9 }
  t.same(longestFirst([['short'], ['middle'], ['a', 'b'], ['new']], known), [
    ['a', 'b'],
    ['new'],
    ['middle'],
    ['short'],
  ])
})
