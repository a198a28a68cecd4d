/**
 * A Python environment with a server of MLflow 2.
 */
import { join } from 'node:path'
import { pythonWith } from '../venv.ts'

/** @returns the interpreter */
export const pythonWithMlflow2 = (): string => pythonWith(join(import.meta.dirname, 'requirements.lock'))

if (import.meta.main) console.log(pythonWithMlflow2())
