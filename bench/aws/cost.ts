import type { Operations } from './operations.ts'
export function bill(_: Operations): string {
  return ''
}
