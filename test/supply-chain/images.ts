/**
 * The images of others that the deployment names, and docker/images.lock, which has the digest of each or says why there is none.
 * `npm run images` asks the registries, through Docker, and writes both: the lock file, and every reference as `image:tag@sha256:…`.
 */
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'

export const LOCK = 'docker/images.lock'
const HEADER = `# Images of others: the digest of each tag, or \`unpinned\` and why. \`npm run images\` asks the registries and writes this file and the references.
`

export interface Reference {
  readonly file: string
  /** With its tag, without its digest. */
  readonly image: string
  /** Null: it has none. */
  readonly digest: string | null
}

export type Lock = ReadonlyMap<string, { readonly digest: string } | { readonly unpinned: string }>

/** Our own are built from this checkout; stages of a build are no images. */
const isOurs = (image: string): boolean => /^day7(-\w+)?(:|$)/.test(image)

export function readReferences(): Reference[] {
  const files = [
    'compose.yaml',
    ...globSync('docker/*Dockerfile'),
    ...globSync('docker/kubernetes/**/*.yaml'),
  ]
  return files.toSorted().flatMap((file) => {
    const text = readFileSync(file, 'utf8')
    const stages = new Set([...text.matchAll(/^FROM .+ AS (\S+)$/gim)].map(([, stage]) => stage))
    const named = text.matchAll(/^(?:FROM(?: --\S+)*|\s*(?:- )?image:) +['"]?([^\s'"]+)/gim)
    return [...named].flatMap(([, reference]) => {
      const [image, digest] = reference!.split('@') as [string, string | undefined]
      return isOurs(image) || stages.has(image) ? [] : [{ file, image, digest: digest ?? null }]
    })
  })
}

export function readLock(text = readFileSync(LOCK, 'utf8')): Lock {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const [, image, digest, reason] = /^(\S+) (?:(sha256:[0-9a-f]{64})|unpinned (\S.+))$/.exec(line) ?? []
      if (image === undefined)
        throw new Error(`${LOCK}: expected "IMAGE sha256:…" or "IMAGE unpinned REASON", got "${line}"`)
      return [image, digest === undefined ? { unpinned: reason! } : { digest }]
    }),
  )
}

/** What is not so between the references and the lock. */
export function faultsOf(references: readonly Reference[], lock: Lock): string[] {
  const used = new Set(references.map(({ image }) => image))
  const faults = [...lock.keys()]
    .filter((image) => !used.has(image))
    .map((image) => `${LOCK}: ${image} is not used`)
  for (const { file, image, digest } of references) {
    const locked = lock.get(image)
    const expected = locked && 'digest' in locked ? locked.digest : null
    if (!locked) faults.push(`${file}: ${image} is not in ${LOCK}`)
    else if (digest !== expected)
      faults.push(
        `${file}: ${image}: expected ${expected ?? 'no digest'} as ${LOCK} says, got ${digest ?? 'none'}`,
      )
  }
  return faults
}

export function writeLock(lock: Lock): string {
  const lines = [...lock].map(
    ([image, how]) => `${image} ${'digest' in how ? how.digest : `unpinned ${how.unpinned}`}`,
  )
  return `${HEADER}${lines.toSorted().join('\n')}\n`
}

/** The text of a file with every reference as the lock has it. */
export function pinned(text: string, lock: Lock): string {
  return [...lock].reduce((text, [image, how]) => {
    const name = image.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
    const digest = 'digest' in how ? `@${how.digest}` : ''
    return text.replaceAll(
      new RegExp(`(?<=[\\s'"])${name}(@sha256:[0-9a-f]{64})?(?=[\\s'"]|$)`, 'g'),
      `${image}${digest}`,
    )
  }, text)
}

function digestOf(image: string): { digest: string } | { unpinned: string } {
  const args = ['buildx', 'imagetools', 'inspect', image, '--format', '{{.Manifest.Digest}}']
  const digest = execFileSync('docker', args, { encoding: 'utf8' }).trim()
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`${image}: expected a digest, got "${digest}"`)
  return { digest }
}

if (import.meta.main) {
  const references = readReferences()
  const images = [...new Set(references.map(({ image }) => image))]
  const lock = new Map(images.map((image) => [image, digestOf(image)]))
  writeFileSync(LOCK, writeLock(lock))
  for (const file of new Set(references.map(({ file }) => file)))
    writeFileSync(file, pinned(readFileSync(file, 'utf8'), lock))
  console.log(`${lock.size} images, written to ${LOCK}`)
}
