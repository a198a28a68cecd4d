/**
 * openapi.yaml, which is what the service says of itself, is one that Redocly's rules find nothing in.
 */
import { execFile } from 'node:child_process'
import t from 'tap'

t.test('openapi.yaml', (t) => {
  const args = ['lint', 'openapi.yaml', '--config', 'test/contract/redocly.yaml', '--format', 'json']
  const quiet = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
  execFile('node_modules/.bin/redocly', args, { env: quiet }, (error, stdout, stderr) => {
    if (stdout === '') return t.fail(stderr)
    const { totals, problems } = JSON.parse(stdout)
    t.same(problems, [])
    t.match(totals, { errors: 0, warnings: 0 })
    t.equal(error, null)
    return t.end()
  })
})
