/**
 * Python's tests. What pytest prints is printed when it has ended: TypeScript's run beside it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { PYTHON } from '../../training/venv.ts'
import { atLeastOneIf, type Outcome } from './outcome.ts'
import { run } from './process.ts'

/** @param report the path of a file that it may write */
export async function pytest(report: string, long: boolean): Promise<Outcome> {
  const args = ['-m', 'pytest', '--quiet', '-n', '2', '--dist', 'loadfile', `--junitxml=${report}`]
  const lines: string[] = []
  const print = (line: string): void => void lines.push(line)
  const code = await run(PYTHON, [...args, ...(long ? ['-m', 'long'] : [])], { cwd: 'training', print })
  console.log(lines.join('\n'))

  const xml = existsSync(report) ? readFileSync(report, 'utf8') : ''
  const suite = /<testsuite [^>]*>/.exec(xml)?.[0] ?? ''
  const count = (attribute: string): number =>
    Number(new RegExp(` ${attribute}="(\\d+)"`).exec(suite)?.[1] ?? 0)
  const failed = count('failures') + count('errors')
  const secondsOf = new Map<string, number>()
  for (const [, module, seconds] of xml.matchAll(/<testcase classname="([\w.]+)"[^>]* time="([\d.]+)"/g)) {
    const file = `training/${module!.replaceAll('.', '/')}.py`
    secondsOf.set(file, (secondsOf.get(file) ?? 0) + Number(seconds))
  }
  return {
    passed: count('tests') - failed - count('skipped'),
    failed: atLeastOneIf(code !== 0, failed),
    failures: lines.filter((line) => /^(FAILED|ERROR) /.test(line)),
    secondsOf,
  }
}
