/**
 * An empty SQLite database with the tables of MLflow 3. To make them takes MLflow three seconds of a core; a copy, none.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { PYTHON } from '../training/venv.ts'
import { copyTemplate, keyOf } from './template.ts'
import { PYTHON_ENVIRONMENT } from './training.ts'

const MAKE = `import sys
from mlflow.store.db import utils
engine = utils.create_sqlalchemy_engine_with_retry("sqlite:///" + sys.argv[1])
utils._initialize_tables(engine)`

/** @param file where it is put */
export async function copyMlflowStore(file: string): Promise<void> {
  await copyTemplate('mlflow', keyOf(['training/requirements.lock']), makeStore, file)
}

async function makeStore(file: string): Promise<void> {
  const env = { ...process.env, ...PYTHON_ENVIRONMENT, MLFLOW_DISABLE_TELEMETRY: 'true' }
  await promisify(execFile)(PYTHON, ['-c', MAKE, file], { env })
}
