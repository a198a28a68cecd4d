/**
 * What commands are told and tell: options and what was meant by them, help, the line of progress, tables.
 */
import t from 'tap'
import { helpOf, helpOfCommand } from '../../src/commands/help.ts'
import { ProgressLine, progressText } from '../../src/commands/progress.ts'
import { argumentsOf, meant, UsageError } from '../../src/commands/usage.ts'

const OPTIONS = [{ name: 'out', value: 'FILE', about: 'where' }, { name: 'json', about: 'as JSON' }, 'bundle']

t.test('options', (t) => {
  const read = (...args: string[]) => argumentsOf('do', args, OPTIONS, 1)
  t.same(read('a', '--out', 'b', '--json', '--bundle=c'), {
    values: { out: 'b', bundle: 'c' },
    flags: new Set(['json']),
    positionals: ['a'],
  })
  t.same(read('--out', '-'), { values: { out: '-' }, flags: new Set(), positionals: [] })
  t.same(read('--', '--out').positionals, ['--out'])
  for (const [args, message] of [
    [['--outt', 'x'], 'do: unknown option --outt; did you mean --out?'],
    [['--surprise'], 'do: unknown option --surprise'],
    [['-o'], 'do: unknown option -o'],
    [['--out'], 'do: expected a value for --out, got nothing'],
    [['--out', '--json'], 'do: expected a value for --out, got --json'],
    [['--json=yes'], 'do: expected --json without a value, got "yes"'],
    [['a', 'b'], 'do: expected at most 1 argument(s), got a b'],
  ] as const)
    t.throws(() => read(...args), new UsageError(message))
  t.end()
})

t.test('what was meant', (t) => {
  const names = ['predict', 'inspect', 'verify']
  t.equal(meant('predit', names), '; did you mean predict?')
  t.equal(meant('inspekt', names, 'day7 '), '; did you mean day7 inspect?')
  t.equal(meant('frobnicate', names), '')
  t.equal(meant('x', []), '')
  t.end()
})

t.test('help', (t) => {
  const run = async () => {}
  const command = {
    usage: 'do X',
    summary: 'does it',
    details: ['word '.repeat(40).trim()],
    options: [OPTIONS[0] as never],
    examples: ['day7 do 1'],
    run,
  }
  const help = helpOfCommand(command)
  t.match(help, /^Usage: day7 do X\n\nDoes it\.\n\nword /)
  t.match(help, /\nOptions:\n {2}--out FILE {2}where\n\nFor example:\n {2}day7 do 1\n$/)
  t.ok(help.split('\n').every((line) => line.length <= 100))
  t.equal(helpOfCommand({ usage: 'do', summary: 'it', run }), 'Usage: day7 do\n\nIt.\n')
  t.match(helpOf({ do: command }), /^Usage: day7 <command>\n\n {2}do X {2}does it\n\n/)
  t.end()
})

t.test('progress', (t) => {
  t.equal(
    progressText({ rows: 1_500_000, share: 0.25 }, 10_000),
    ' 25 % ██████░░░░░░░░░░░░░░░░░░ 1,500,000 rows  150,000 rows/s  0:30 left',
  )
  t.match(progressText({ rows: 10, share: 0.001 }, 10_000), /2:46:30 left$/)
  t.equal(progressText({ rows: 10, share: null }, 1000), '10 rows  10 rows/s')
  t.equal(progressText({ rows: 0, share: 0 }, 0), '  0 % ░░░░░░░░░░░░░░░░░░░░░░░░ 0 rows  0 rows/s')

  let nowMs = 0
  const written: string[] = []
  const terminal = { columns: 20, write: (text: string) => written.push(text) > 0 }
  const line = new ProgressLine(terminal as never, () => nowMs)
  line.clear()
  for (nowMs = 0; nowMs <= 250; nowMs += 10) line.show({ rows: nowMs, share: nowMs / 250 })
  t.equal(written.length, 3, 'not more often than one can see')
  t.ok(written.every((text) => text.length <= 20 + 4))
  line.clear()
  t.equal(written.at(-1), '\r\x1b[K')
  t.end()
})
