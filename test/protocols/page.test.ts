/**
 * docs/protocols.md: its commands are run as they stand there, on another port and in another folder, and print what the page says. Only ids
 * and times differ.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import t from 'tap'
import { dataFolder, startService } from '../service.ts'

const execute = promisify(execFile)
const page = readFileSync('docs/protocols.md', 'utf8')
/** Each block of commands with what the page shows after it. */
const steps = [...page.matchAll(/^```sh\n([^]*?)^```$\n\n```text\n([^]*?)^```$/gm)].map(
  ([, commands, shown]) => ({
    commands: commands!,
    shown: shown!,
  }),
)

t.test('the page', async (t) => {
  t.equal(steps.length, [...page.matchAll(/^```sh$/gm)].length, 'every command shows what it prints')
  const folder = dataFolder(t)
  const service = await startService(t, { DATA_DIR: folder, DATABASE_URL: 'off' })
  for (const { commands, shown } of steps) {
    const script = commands
      .replaceAll('http://127.0.0.1:5001', service.url)
      .replaceAll('/tmp/day7-demo', folder)
    const { stdout } = await execute('bash', ['-euc', script])
    t.equal(masked(stdout), masked(shown), commands.split('\n', 1)[0]!)
  }
  await service.stop()
})

/** Without what is another one each time. */
function masked(text: string): string {
  return text
    .trim()
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}/g, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/"inference_time_ms":[\d.e-]+/g, '"inference_time_ms":MS')
}
