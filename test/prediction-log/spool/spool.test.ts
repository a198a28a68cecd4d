/**
 * The spool: what is appended is in files, in order, before the promise is kept; whose files they are; and when there is no room.
 */
import { once } from 'node:events'
import { fork } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { PredictionRecord } from '../../../src/prediction-log/index.ts'
import { LineBuffer } from '../../../src/prediction-log/spool/line-buffer.ts'
import { NINE_FIELDS, parseInputSchema } from '../../../src/inputs/index.ts'
import { hasNineColumns } from '../../../src/prediction-log/spool/owner.ts'
import { readSchema } from '../../../src/prediction-log/spool/schema-documents.ts'
import { sift } from '../../../src/prediction-log/spool/sift.ts'
import { Spool, SpoolError, type SpoolOptions } from '../../../src/prediction-log/spool/spool.ts'
import { smallDisk } from '../../disks.ts'
import { dataFolder } from '../../service.ts'
import { recordOf } from '../records.ts'

let owners = 0

function spoolIn(folder: string, options: Partial<SpoolOptions> = {}): Spool {
  return new Spool({
    folder,
    owner: `owner${++owners}`,
    maxBytes: 2 ** 30,
    fsyncMs: 1000,
    fields: null,
    logger: { info: () => {}, warn: () => {}, error: () => {} },
    ...options,
  })
}

const segmentsIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((file) => file.endsWith('.segment')).toSorted()

/** The users of the records in a folder, in order. */
async function usersIn(folder: string): Promise<string[]> {
  const files = await Promise.all((await segmentsIn(folder)).map((file) => readFile(join(folder, file))))
  return files.flatMap((bytes) => {
    const lines = Buffer.concat(sift(bytes).good as Buffer[])
      .toString()
      .split('\n')
      .slice(0, -1)
    return lines.map((line) => line.split('\t')[3]!)
  })
}

const of = (userId: string): PredictionRecord[] => [recordOf({ userId })]

t.test('what is appended in one turn is one write, and is there when the promise is kept', async (t) => {
  const folder = dataFolder(t)
  const spool = spoolIn(folder)
  const promises = ['a', 'b', 'c'].map((user) => spool.append(of(user)))
  t.equal(new Set(promises).size, 1, 'one promise for all of the turn')
  t.equal(spool.status().bytes, 0, 'nothing is written yet')
  await promises[0]
  t.same(await usersIn(folder), ['a', 'b', 'c'])
  await Promise.all([spool.append(of('d')), spool.append([...of('e'), ...of('f')])])
  t.same(await usersIn(folder), ['a', 'b', 'c', 'd', 'e', 'f'])
  t.match(spool.status(), { segments: 1, error: null, oldestMs: recordOf().time.getTime() })
  await spool.close()
})

t.test('segments are closed when they are shipped or have grown, and leave in order', async (t) => {
  const folder = dataFolder(t)
  const spool = spoolIn(folder)
  t.same(await spool.waiting(), [])
  await spool.append(of('first'))
  const first = (await spool.waiting())[0]!
  await spool.append(of('second'))
  t.equal((await segmentsIn(folder)).length, 2, 'a closed segment is not written to')
  t.equal((await spool.waiting())[0]!.path, first.path, 'until it is removed it stays the oldest')
  await spool.remove(first)
  t.same(await usersIn(folder), ['second'])

  const large = Array.from({ length: 6000 }, (_, i) => recordOf({ userId: 'x'.repeat(900) + i }))
  for (let i = 0; i < large.length; i += 500) await spool.append(large.slice(i, i + 500))
  t.equal((await segmentsIn(folder)).length, 3, 'about 4 MiB each')
  await spool.close()
})

t.test('documents of the schemas are there before the first line of each', async (t) => {
  const folder = dataFolder(t)
  const spool = spoolIn(folder)
  const other = parseInputSchema({
    format: 'day7-inputs/1',
    fields: [{ name: 'level', kind: 'number', description: 'é' }],
    target: { name: 'revenue', horizonDays: 3 },
  })
  await spool.append([recordOf(), { ...recordOf(), inputs: other, row: [7] }])
  t.same(
    (await readdir(join(folder, 'schemas'))).toSorted(),
    [`${NINE_FIELDS.id}.json`, `${other.id}.json`].toSorted(),
  )
  t.same((await readSchema(folder, other.id))?.document, other.document)
  await writeFile(join(folder, 'schemas', `${other.id}.json`), JSON.stringify(NINE_FIELDS.document))
  t.equal(await readSchema(folder, other.id), null, 'one of another id is none')
  t.equal(await readSchema(folder, '../../x'), null)
  await spool.close()

  const blocked = dataFolder(t)
  await writeFile(join(blocked, 'schemas'), 'no folder')
  const failing = spoolIn(blocked)
  await t.rejects(failing.append(of('a')), SpoolError, 'without its document no line is kept')
  t.same(await usersIn(blocked), [])
  await failing.close()
})

t.test('segments of an earlier release keep their name', async (t) => {
  const folder = dataFolder(t)
  await writeFile(join(folder, 'gone-000001.segment'), 'nine columns\n')
  await writeFile(join(folder, 'gone-000002.v2.segment'), 'one\n')
  const heir = spoolIn(folder)
  t.equal(await heir.adopt(), 2)
  t.match(await segmentsIn(folder), [/-000001\.segment$/, /-000002\.v2\.segment$/])
  t.same((await segmentsIn(folder)).map(hasNineColumns), [true, false])
  await heir.close()
})

t.test('a process takes over what another has left, and only then', async (t) => {
  const folder = dataFolder(t)
  const living = spoolIn(folder)
  await living.append(of('living'))
  const dead = spoolIn(folder)
  await dead.append(of('dead 1'))
  t.equal((await dead.waiting()).length, 1)
  await dead.append(of('dead 2'))

  const heir = spoolIn(folder)
  t.equal(await heir.adopt(), 0, 'both live')
  await dead.close()
  await heir.append(of('heir'))
  t.equal(await heir.adopt(), 2)
  t.equal(await heir.adopt(), 0)
  const order: string[] = []
  for (let segment; (segment = (await heir.waiting())[0]);) {
    order.push(
      ...Buffer.concat(sift(await readFile(segment.path)).good as Buffer[])
        .toString()
        .match(/(living|dead|heir)( \d)?/g)!,
    )
    await heir.remove(segment)
  }
  t.same(order, ['dead 1', 'dead 2', 'heir'], 'what waits longest goes first')
  t.same(await usersIn(folder), ['living'])
  await Promise.all([living.close(), heir.close()])
})

t.test('of several heirs each segment has one', async (t) => {
  const folder = dataFolder(t)
  for (let i = 0; i < 40; i++) {
    const lines = new LineBuffer(null)
    lines.append(recordOf({ userId: `user ${i}` }))
    await writeFile(join(folder, `gone-${i}.v2.segment`), lines.take())
  }
  const heirs = Array.from({ length: 4 }, () => spoolIn(folder))
  const counts = await Promise.all(heirs.map((heir) => heir.adopt()))
  t.equal(
    counts.reduce((sum, count) => sum + count, 0),
    40,
  )
  t.equal(new Set(await usersIn(folder)).size, 40)
  await Promise.all(heirs.map((heir) => heir.close()))
})

t.test('a process that is killed leaves its spool to the next one', async (t) => {
  const folder = dataFolder(t)
  const child = fork(join(import.meta.dirname, 'spooling-process.ts'), [folder], { stdio: 'inherit' })
  const [kept] = (await once(child, 'message')) as [number]
  child.kill('SIGKILL')
  await once(child, 'exit')
  const heir = spoolIn(folder)
  t.ok((await heir.adopt()) > 0)
  t.ok((await usersIn(folder)).length >= kept, 'all that it was told is kept')
  await heir.close()
})

t.test('a full spool keeps nothing more, and goes on when there is room', async (t) => {
  const folder = dataFolder(t)
  const spool = spoolIn(folder, { maxBytes: 800 })
  await spool.append([...of('a'), ...of('b')])
  await t.rejects(spool.append([...of('c'), ...of('d')]), {
    code: 'SPOOL_FULL',
    message: /at most 800 bytes \(LOG_SPOOL_MAX_BYTES\)/,
  })
  t.same(await usersIn(folder), ['a', 'b'], 'all or none')
  await spool.remove((await spool.waiting())[0]!)
  await spool.append(of('e'))
  t.same(await usersIn(folder), ['e'])
  await spool.close()
})

t.test('a folder that cannot be written to is an error, said once, and tried again', async (t) => {
  const folder = dataFolder(t)
  await writeFile(join(folder, 'spool'), 'not a folder')
  const said: string[] = []
  const spool = spoolIn(join(folder, 'spool'), {
    logger: { info: () => {}, warn: () => {}, error: (_, message) => void said.push(message) },
  })
  await t.rejects(spool.append(of('a')), SpoolError)
  await t.rejects(spool.append(of('b')), { message: /the spool cannot be written to: ENOTDIR/ })
  t.match(spool.status(), { bytes: 0, error: 'ENOTDIR' })
  t.same(said, ['prediction log: the spool cannot be written to'])
  await t.test('a path too long for its lock', async (t) => {
    const long = spoolIn(join(t.testdir(), 'x'.repeat(120)))
    // Only Linux has a short way to it.
    if (process.platform === 'linux') await long.append(of('a'))
    else await t.rejects(long.append(of('a')), { message: /at most 103 bytes/ })
    await long.close()
  })
  await spool.close()
})

t.test('a disk that is full', async (t) => {
  const disk = smallDisk(t, '256k')?.folder
  if (disk === undefined) return t.pass('no right to mount a small disk here')
  const spool = spoolIn(join(disk, 'spool'))
  const kept: string[] = []
  const failure = await (async () => {
    for (let i = 0; ; i++) {
      await spool.append(of(`user ${i}`))
      kept.push(`user ${i}`)
    }
  })().catch((error: unknown) => error)
  t.match(failure, { name: 'SpoolError', code: 'ENOSPC' })
  t.same(await usersIn(join(disk, 'spool')), kept, 'each one that was promised, and no part of another')
  t.equal(spool.status().error, 'ENOSPC')
  await spool.remove((await spool.waiting())[0]!)
  for (;;) {
    const again = await spool.append(of('after')).then(
      () => true,
      () => false,
    )
    if (again) break
  }
  t.same(await usersIn(join(disk, 'spool')), ['after'])
  t.equal(spool.status().error, null)
  await spool.close()
})

t.test('bytes that are no records are set aside', async (t) => {
  const folder = dataFolder(t)
  const spool = spoolIn(folder)
  await spool.append(of('a'))
  const segment = (await spool.waiting())[0]!
  await spool.quarantine(segment, [Buffer.from('bad '), Buffer.from('bytes')])
  t.same(await segmentsIn(folder), [])
  const [file] = await readdir(join(folder, 'quarantine'))
  t.equal(await readFile(join(folder, 'quarantine', file!), 'utf8'), 'bad bytes')
  await spool.close()
})
