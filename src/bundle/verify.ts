/**
 * A bundle's folder → its verified parts. It passes only if every file has its hash, the plan reads fields of its input schema alone,
 * plan, trees and manifest name the same features, and every golden prediction is reproduced; otherwise a BundleError says what differs and where.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CompiledModel, compileModel, Ensemble } from '../ensemble/index.ts'
import { parseFeaturePlan } from '../features/index.ts'
import { type InputSchema, NINE_FIELDS, parseInputSchema } from '../inputs/index.ts'
import type { BundleParts } from './bundle.ts'
import { specsOf } from './combination.ts'
import { BundleError } from './errors.ts'
import { checkGolden, goldenRows } from './golden.ts'
import { INPUTS_FILE, PLAIN, readManifest, WITH_INPUTS } from './manifest.ts'
import { partsOf } from './parts.ts'
import { readProfile } from './profile.ts'

/** @throws BundleError, or the machine's own error where a file cannot be read now */
export async function verifyBundle(directory: string): Promise<BundleParts> {
  const read = (file: string): Promise<Buffer> =>
    within(directory, file, () => readFile(join(directory, file)))

  const manifestText = await read('manifest.json')
  const manifest = await within(directory, 'manifest.json', () =>
    readManifest(JSON.parse(manifestText.toString())),
  )
  const files = new Map<string, string>()
  for (const [file, expected] of manifest.files) {
    const bytes = await read(file)
    const actual = createHash('sha256').update(bytes).digest('hex')
    if (actual !== expected)
      throw new BundleError(
        directory,
        file,
        `expected sha256 ${expected} as the manifest says, got ${actual}`,
      )
    files.set(file, bytes.toString())
  }

  const parse = <T>(file: string, use: (text: string) => T): Promise<T> =>
    within(directory, file, () => use(files.get(file)!))
  const schema = await readInputs()
  const document = await parse('features.json', (text): unknown => JSON.parse(text))
  const plan = await parse('features.json', () => parseFeaturePlan(document, schema))
  const models = new Map<string, CompiledModel>()
  const ensembles = new Map<string, Ensemble>()
  const isPlain = manifest.format === PLAIN
  for (const { file, objective } of specsOf(manifest.prediction)) {
    const model = await parse(file, (text) => compileModel(JSON.parse(text)))
    const ensemble = await parse(file, () => new Ensemble(model))
    if (ensemble.classCount !== 1)
      throw new BundleError(directory, file, `expected one class, got ${ensemble.classCount}`)
    if (!isPlain) expectSame(file, 'objective', [ensemble.objective.split(' ')[0]], [objective])
    models.set(file, model)
    ensembles.set(file, ensemble)
  }
  expectSame('features.json', 'features', plan.features, manifest.features)
  expectSame('features.json', 'offset', [plan.offset], [manifest.offset])
  for (const [file, { featureNames }] of ensembles)
    expectSame(file, 'feature names', featureNames, manifest.features)
  const parts = await within(directory, 'manifest.json', () =>
    partsOf(manifest, schema, (file) => ensembles.get(file)!),
  )
  const golden = { schema, plan, parts, isPlain, isUnread: manifest.format !== WITH_INPUTS }
  const goldenCount = await parse('golden.ndjson', (text) => checkGolden(text, golden))
  const sample = await parse('golden.ndjson', (text) => goldenRows(text, golden, SAMPLE))
  const profile = await parse('profile.json', (text) => readProfile(JSON.parse(text), manifest.features))
  return { manifest, inputs: schema.document, plan: document, profile, models, goldenCount, sample }

  /** A bundle of an earlier format takes the nine fields. */
  async function readInputs(): Promise<InputSchema> {
    if (manifest.format !== WITH_INPUTS) return NINE_FIELDS
    const schema = await parse(INPUTS_FILE, (text) => parseInputSchema(JSON.parse(text)))
    const { horizonDays } = schema.target
    if (horizonDays !== manifest.horizonDays)
      throw new BundleError(
        directory,
        INPUTS_FILE,
        `target.horizonDays: the manifest has ${manifest.horizonDays}, the file ${horizonDays}`,
      )
    return schema
  }

  function expectSame(
    file: string,
    what: string,
    actual: readonly unknown[],
    expected: readonly unknown[],
  ): void {
    if (JSON.stringify(actual) !== JSON.stringify(expected))
      throw new BundleError(
        directory,
        file,
        `${what}: the manifest has ${expected.join(', ')}, the file ${actual.join(', ')}`,
      )
  }
}

/** Rows to warm up with. */
const SAMPLE = 50

/** The machine's faults and not the bundle's: they may pass. */
const MACHINE_CODES = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EIO',
  'EAGAIN',
  'EBUSY',
  'EACCES',
  'EPERM',
  'ESTALE',
])

/** Runs one step and says in which file it failed. */
async function within<T>(directory: string, file: string, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (cause) {
    if (MACHINE_CODES.has((cause as NodeJS.ErrnoException).code ?? '')) throw cause
    throw new BundleError(directory, file, cause instanceof Error ? cause.message : String(cause), cause)
  }
}
