export { answerMemory } from './first-answers.ts'
export { keepMemoryUsageReadable, openFileLimit, openFilesFor } from './open-files.ts'
export { openServices, type Services } from './services.ts'
