/** Bundled, and started in a fresh process: imports a function and gives it one event. */
import { actAsLambda, invocation, invoke } from '../../test/engines/gateway.ts'

const [bundle = '', path = '', headers = '{}'] = process.argv.slice(2)
actAsLambda()
const { handler } = await import(bundle)
if (path) {
  const answer = await invoke(handler, new Request(`https://archive.example${path}`), JSON.parse(headers))
  if (!answer.ok) throw new Error(await answer.text())
  await answer.text()
} else await handler({ Records: [] }, invocation())
process.stdout.write('answered', () => process.exit(0))
