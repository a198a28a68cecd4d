export { answerMemory } from './first-answers.ts'
export { openServices, type Services } from './services.ts'
