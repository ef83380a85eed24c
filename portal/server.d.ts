import type { PortalLocals } from './locals.ts'

/** Render one portal request. Built by `npm run build --workspace portal`. */
export function render(request: Request, locals: PortalLocals): Promise<Response>
