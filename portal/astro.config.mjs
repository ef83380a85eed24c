import { defineConfig, passthroughImageService } from 'astro/config'
import adapter from './adapter/index.mjs'
import { ownIconsOnly } from './adapter/own-icons.mjs'

/** One copy of the domain in the process, so that an error thrown by an adapter is an instance of the pages' class. */
const domainStaysOutside = {
  name: 'domain-stays-outside',
  enforce: 'pre',
  applyToEnvironment: ({ name }) => name !== 'client',
  resolveId: (id) => (id.startsWith('@registratur/core/') ? { id, external: true } : undefined),
}

export default defineConfig({
  output: 'server',
  adapter: adapter(),
  session: false,
  image: { service: passthroughImageService() },
  // The app in front of the portal refuses cross-site requests, for pages and API alike.
  security: { checkOrigin: false },
  compressHTML: true,
  trailingSlash: 'ignore',
  devToolbar: { enabled: false },
  // Small scripts and styles must stay files: the content security policy allows nothing inline.
  build: { inlineStylesheets: 'never', assets: '_astro' },
  vite: {
    build: { assetsInlineLimit: 0, cssMinify: true },
    plugins: [domainStaysOutside, ownIconsOnly],
  },
})
