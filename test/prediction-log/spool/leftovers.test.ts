/**
 * What processes of other users left in the spool, and more of it than may be open at once.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { chmod, chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { LineBuffer } from '../../../src/prediction-log/spool/line-buffer.ts'
import { dataFolder } from '../../service.ts'
import { recordOf } from '../records.ts'

const IS_ROOT = process.getuid?.() === 0
/** Root may do all; its children are somebody else. */
const SOMEBODY = IS_ROOT ? { uid: 65534, gid: 65534 } : {}

async function leave(folder: string, name: string, mode = 0o666): Promise<string> {
  const lines = new LineBuffer(null)
  lines.append(recordOf({ userId: name }))
  const path = join(folder, name)
  await writeFile(path, lines.take())
  await chmod(path, mode)
  return path
}

/** @returns what a process of somebody else can take over, asked again and again */
function heirIn(t: Test, folder: string, command: readonly string[] = []) {
  const script = join(import.meta.dirname, 'adopting-process.ts')
  const [program, ...args] = [...command, process.execPath, script, folder]
  const child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'inherit'], ...SOMEBODY })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    async adopt(): Promise<unknown> {
      child.stdin.write('\n')
      const { value } = await lines.next()
      return JSON.parse(value as string)
    },
    async end(): Promise<void> {
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}

async function folderOfSomebody(t: Test): Promise<string> {
  const folder = dataFolder(t)
  if (IS_ROOT) await chown(folder, 65534, 65534)
  return folder
}

t.test('segments of another user keep no other from being taken over, and are told', async (t) => {
  const folder = await folderOfSomebody(t)
  await leave(folder, 'gone-000001.v2.segment')
  const closed = await leave(folder, 'gone-000002.v2.segment', 0)
  await leave(folder, 'gone-000003.v2.segment')
  await leave(folder, 'other-000001.v2.segment')
  const heir = heirIn(t, folder)
  const first = (await heir.adopt()) as { stranded: { bytes: number } }
  t.match(first, {
    adopted: 3,
    segments: 3,
    stranded: { segments: 1, error: 'EACCES' },
    said: [/^segments that another process left cannot be taken over/],
  })
  t.ok(first.stranded.bytes > 0)
  t.match(await heir.adopt(), { adopted: 0, stranded: { segments: 1 }, said: [] }, 'it is said once')
  await chmod(closed, 0o666)
  t.match(await heir.adopt(), {
    adopted: 1,
    segments: 4,
    stranded: { segments: 0, error: null },
    said: [/no segment/],
  })
  await heir.end()
})

t.test('a lock that cannot be asked is not taken for one that answers', async (t) => {
  const folder = await folderOfSomebody(t)
  const lock = createServer().listen(join(folder, 'living.lock'))
  await once(lock, 'listening')
  await chmod(join(folder, 'living.lock'), 0)
  await leave(folder, 'living-000001.v2.segment')
  const heir = heirIn(t, folder)
  t.match(await heir.adopt(), { adopted: 0, stranded: { segments: 1, error: 'EACCES' } })
  await chmod(join(folder, 'living.lock'), 0o777)
  t.match(await heir.adopt(), { adopted: 0, stranded: { segments: 0 } }, 'it lives')
  lock.close()
  t.match(await heir.adopt(), { adopted: 1, stranded: { segments: 0 } })
  await heir.end()
})

t.test('more segments than a process may open', async (t) => {
  const folder = await folderOfSomebody(t)
  for (let i = 0; i < 100; i++) await leave(folder, `gone${i % 7}-${i}.v2.segment`)
  const heir = heirIn(t, folder, ['sh', '-c', 'ulimit -n 50; exec "$0" "$@"'])
  t.match(await heir.adopt(), { adopted: 100, segments: 100, stranded: { segments: 0 } })
  await heir.end()
})
