/**
 * Images of others are named by digest, or it is said why they are not.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { faultsOf, LOCK, pinned, readLock, readReferences, writeLock } from './images.ts'

t.test('every image has a digest, or a reason why it has none', (t) => {
  const references = readReferences()
  const images = new Set(references.map(({ image }) => image))
  for (const one of [/^node:/, /^python:/, /^postgres:/, /nginx/, /^redis:/, /prometheus/, /grafana/])
    t.ok(
      [...images].some((image) => one.test(image)),
      `${one} is found`,
    )
  t.same(faultsOf(references, readLock()), [])
  t.equal(readFileSync(LOCK, 'utf8'), writeLock(readLock()), 'as npm run images writes it')
  t.end()
})

t.test('what is missing, not used, or another is told', (t) => {
  const digest = `sha256:${'a'.repeat(64)}`
  const lock = readLock(`# said\nnode:1 ${digest}\nredis:2 unpinned for a reason\n`)
  const faults = (image: string, digest: string | null) => faultsOf([{ file: 'f', image, digest }], lock)
  t.match(faults('node:1', digest), ['docker/images.lock: redis:2 is not used'])
  t.match(faults('node:1', null)[1], /^f: node:1: expected sha256:a+ as docker\/images\.lock says, got none$/)
  t.match(faults('redis:2', digest)[1], /expected no digest as docker\/images\.lock says, got sha256:a/)
  t.match(faults('nginx:3', null)[2], 'f: nginx:3 is not in docker/images.lock')
  t.throws(() => readLock('node:1 latest\n'), /expected "IMAGE sha256:…" or "IMAGE unpinned REASON"/)
  const text = `FROM node:1 AS a\nFROM node:1-slim\n  image: redis:2@${digest}\n  image: 'node:1'`
  const wanted = `FROM node:1@${digest} AS a\nFROM node:1-slim\n  image: redis:2\n  image: 'node:1@${digest}'`
  t.equal(pinned(text, lock), wanted)
  t.equal(pinned(wanted, lock), wanted)
  t.end()
})
