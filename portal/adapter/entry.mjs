import { createApp } from 'astro/app/entrypoint'

const app = createApp()

/** Render one portal request. `locals` carries the archive, so that pages call use cases directly. */
export const render = (request, locals) => app.render(request, { locals, addCookieHeader: true })
