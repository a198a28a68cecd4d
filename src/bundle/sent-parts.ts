/**
 * The parts of a bundle as they pass from the thread that verified them to the one that answers. A copy of thousands of trees, each of
 * ten arrays, would hold that one up for a tenth of a second; predictions need them in packed form alone. So they travel as bytes, which are
 * handed over and not copied, and become trees again when somebody asks for contributions or leaves.
 */
import { deserialize, serialize } from 'node:v8'
import type { CompiledModel } from '../ensemble/index.ts'
import type { BundleParts } from './bundle.ts'

type SentModel = Omit<CompiledModel, 'model'> & {
  readonly model: Omit<CompiledModel['model'], 'trees'>
  /** As bytes, but where predictions need the trees themselves. */
  readonly trees: Uint8Array<ArrayBuffer> | CompiledModel['model']['trees']
}

export interface SentParts extends Omit<BundleParts, 'models'> {
  readonly models: ReadonlyMap<string, SentModel>
}

export function sent(parts: BundleParts): { readonly parts: SentParts; readonly handedOver: ArrayBuffer[] } {
  const handedOver: ArrayBuffer[] = []
  const models = [...parts.models].map(([file, compiled]): [string, SentModel] => {
    const { trees, ...model } = compiled.model
    if (!compiled.packed) return [file, { ...compiled, model, trees }]
    // A buffer of its own: what v8 gives may be part of a larger one.
    const bytes = Uint8Array.from(serialize(trees))
    handedOver.push(bytes.buffer)
    return [file, { ...compiled, model, trees: bytes }]
  })
  return { parts: { ...parts, models: new Map(models) }, handedOver }
}

export function received(parts: SentParts): BundleParts {
  const models = [...parts.models].map(([file, { trees, model, ...compiled }]): [string, CompiledModel] => {
    if (!(trees instanceof Uint8Array)) return [file, { ...compiled, model: { ...model, trees } }]
    let read: CompiledModel['model']['trees'] | undefined
    const lazy = {
      ...model,
      get trees() {
        return (read ??= deserialize(trees) as CompiledModel['model']['trees'])
      },
    }
    return [file, { ...compiled, model: lazy }]
  })
  return { ...parts, models: new Map(models) }
}
