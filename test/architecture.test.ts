/**
 * The arrows between the rooms are those of the table in docs/architecture.md, and no others.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'

interface Room {
  readonly rooms: readonly string[]
  readonly packages: readonly string[]
}

const SOURCE = 'src'
const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
)
const rooms = readTable(readFileSync('docs/architecture.md', 'utf8'))

const roomOf = (file: string): string => file.split('/', 1)[0]!.replace(/\.ts$/, '')

t.test('every file stands in a room of the table', (t) => {
  for (const file of files) t.ok(rooms.has(roomOf(file)), `${file} is in a known room`)
  t.end()
})

t.test('imports follow the arrows', (t) => {
  for (const file of files) {
    const room = roomOf(file)
    const allowed = rooms.get(room)!
    for (const specifier of importsOf(file)) {
      if (!specifier.startsWith('.')) {
        const known = specifier.startsWith('node:') ? 'node:' : specifier
        t.ok(allowed.packages.includes(known), `${file} may import ${specifier}`)
        continue
      }
      const target = normalize(join(dirname(file), specifier))
      if (roomOf(target) === room) continue
      t.ok(allowed.rooms.includes(roomOf(target)), `${file} may import ${target}`)
      if (target.includes('/'))
        t.match(target, /^[^/]+\/index\.ts$/, `${file} enters ${roomOf(target)} by its door`)
    }
  }
  t.end()
})

t.test('a door only re-exports', (t) => {
  for (const file of files.filter((file) => file.endsWith('index.ts'))) {
    const statements = readFileSync(join(SOURCE, file), 'utf8').replaceAll(
      /export (type )?(\*|\{[^}]*\}) from '[^']+'/g,
      '',
    )
    t.equal(statements.trim(), '', `${file} holds nothing but re-exports`)
  }
  t.end()
})

t.test('only the process reads the environment and exits', (t) => {
  for (const file of files) {
    const text = readFileSync(join(SOURCE, file), 'utf8').replaceAll(/\/\*\*[^]*?\*\//g, '')
    const inCharge = ['server.ts', 'cli.ts'].includes(file)
    t.equal(/process\.env/.test(text) && !inCharge, false, `${file} leaves process.env alone`)
    t.equal(/process\.exit/.test(text) && !inCharge, false, `${file} does not exit`)
  }
  t.end()
})

function readTable(markdown: string): Map<string, Room> {
  const lines = markdown.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  const header = lines.findIndex((cells) => cells[2] === 'may import')
  const end = lines.findIndex((cells, at) => at > header && cells.length === 1)
  const list = (cell: string): string[] => (cell === '–' || cell === 'none' ? [] : cell.split(', '))
  return new Map(
    lines
      .slice(header + 2, end)
      .map(([, room, may, packages]) => [room!, { rooms: list(may!), packages: list(packages!) }]),
  )
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(SOURCE, file), 'utf8')
  return [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^'"]*?from\s+'([^']+)'|import\s*\(?\s*'([^']+)'/g),
  ].map((match) => match[1] ?? match[2]!)
}
