/**
 * Python environments with clients that others wrote: Triton's, and KServe's, which is half a gigabyte.
 */
import { join } from 'node:path'
import { pythonWith } from '../venv.ts'

/** @returns the interpreter */
export const pythonWithTriton = (): string => pythonWith(join(import.meta.dirname, 'requirements.lock'))
export const pythonWithKserve = (): string => pythonWith(join(import.meta.dirname, 'kserve.lock'))

if (import.meta.main) console.log(process.argv[2] === 'kserve' ? pythonWithKserve() : pythonWithTriton())
