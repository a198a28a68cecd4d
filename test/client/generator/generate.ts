/**
 * openapi.yaml → src/client/api.ts, the types of the client: `npm run client`. The first line says of which document they are, so that
 * a test sees when they are old without installing the generator.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = import.meta.dirname
const root = join(folder, '../../..')
const document = join(root, 'openapi.yaml')
execFileSync('npm', ['ci', '--silent', '--no-audit'], { cwd: folder })
const types = execFileSync(join(folder, 'node_modules/.bin/openapi-typescript'), [document], {
  encoding: 'utf8',
})
const hash = createHash('sha256').update(readFileSync(document)).digest('hex')
writeFileSync(
  join(root, 'src/client/api.ts'),
  `// Of openapi.yaml, sha256 ${hash}. Made by npm run client.\n${types}`,
)
