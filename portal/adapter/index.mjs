import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

/** Astro as a function from request to response: no server, no file system, so that any app can mount it. */
export default () => ({
  name: 'registratur-portal',
  hooks: {
    'astro:config:done': ({ setAdapter }) =>
      setAdapter({
        name: 'registratur-portal',
        entrypointResolution: 'auto',
        serverEntrypoint: new URL('./entry.mjs', import.meta.url),
        adapterFeatures: { buildOutput: 'server' },
        supportedAstroFeatures: {
          serverOutput: 'stable',
          staticOutput: 'stable',
          hybridOutput: 'stable',
          sharpImageService: 'unsupported',
        },
      }),
    'astro:build:done': async ({ dir }) => {
      const client = fileURLToPath(dir)
      await copyPdfResources(client)
      await compress(client)
    },
  },
})

/** What the PDF viewer loads on demand: character maps, the standard fonts, decoders that need no WebAssembly. */
async function copyPdfResources(client) {
  const manifest = createRequire(import.meta.url).resolve('pdfjs-dist/package.json')
  const { version } = JSON.parse(await readFile(manifest, 'utf8'))
  const target = join(client, '_astro', `pdfjs-${version}`)
  await mkdir(target, { recursive: true })
  for (const folder of ['cmaps', 'standard_fonts', 'iccs', 'wasm'])
    await cp(join(dirname(manifest), folder), join(target, folder), {
      recursive: true,
      filter: (source) => !source.endsWith('.wasm') && !source.includes('quickjs'),
    })
}

const COMPRESSIBLE = new Set(['.js', '.mjs', '.css', '.svg', '.txt', '.json', '.webmanifest'])

/** A `.br` and a `.gz` beside every text file, so that nothing is compressed while serving. */
async function compress(client) {
  for (const entry of await readdir(client, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !COMPRESSIBLE.has(extname(entry.name))) continue
    const path = join(entry.parentPath, entry.name)
    const bytes = await readFile(path)
    if (bytes.length < 1024) continue
    const quality = {
      params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }
    await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes, quality))
    await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }))
  }
}
