/**
 * A bundle's folder → its verified parts. It passes only if every file has its hash, plan, trees and manifest name the same
 * features, and every golden prediction is reproduced; otherwise a BundleError says what differs and where.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compileModel, Ensemble } from '../ensemble/index.ts'
import { parseFeaturePlan } from '../features/index.ts'
import type { BundleParts } from './bundle.ts'
import { BundleError } from './errors.ts'
import { checkGolden } from './golden.ts'
import { readManifest } from './manifest.ts'

/** @throws BundleError */
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
  const document = await parse('features.json', (text): unknown => JSON.parse(text))
  const plan = await parse('features.json', () => parseFeaturePlan(document))
  const model = await parse('model.json', (text) => compileModel(JSON.parse(text)))
  const ensemble = new Ensemble(model)
  if (ensemble.classCount !== 1)
    throw new BundleError(directory, 'model.json', `expected one class, got ${ensemble.classCount}`)
  expectSame('features.json', 'features', plan.features, manifest.features)
  expectSame('features.json', 'offset', [plan.offset], [manifest.offset])
  expectSame('model.json', 'feature names', ensemble.featureNames, manifest.features)
  const goldenCount = await parse('golden.ndjson', (text) => checkGolden(text, plan, ensemble))
  return { manifest, plan: document, model, goldenCount }

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

/** Runs one step and says in which file it failed. */
async function within<T>(directory: string, file: string, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (cause) {
    throw new BundleError(directory, file, cause instanceof Error ? cause.message : String(cause), cause)
  }
}
