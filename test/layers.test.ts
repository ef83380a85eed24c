import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const files = globSync('{packages,functions,portal,infra,bench}/**/*.{ts,js,mjs,astro}', {
  cwd: root,
  exclude: (path) => /node_modules|\/dist|\.astro$/.test(path) && !path.endsWith('.astro'),
}).filter((file) => !/node_modules|\/dist\/|\.astro\//.test(file))

/** What a file imports: relative ones as paths from the root, packages by their name. */
function importsOf(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8')
  const named = source.matchAll(
    /(?:^|[\s;])(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/g,
  )
  return [...named].map(([, one, two]) => {
    const target = one ?? two ?? ''
    return target.startsWith('.') ? relative(root, join(root, dirname(file), target)) : target
  })
}

const violations = (from: RegExp, forbidden: RegExp, except?: RegExp) =>
  files
    .filter((file) => from.test(file) && !except?.test(file))
    .flatMap((file) =>
      importsOf(file)
        .filter((name) => forbidden.test(name))
        .map((name) => `${file} → ${name}`),
    )

const OURS = '@registratur/'
const SDK =
  '@aws-sdk/|aws-|sst|hono|@hono/|better-auth|astro|nodemailer|node:(http|https|net|fs|sqlite|child_process|worker_threads)'

describe('layers', () => {
  it('sees the project and its imports', () => {
    expect(files.length).toBeGreaterThan(60)
    expect(importsOf('functions/app.ts')).toContain('@registratur/core/ports')
  })

  it('core imports no other package of ours, no SDK, no HTTP, no files', () => {
    const inCore = /^packages\/core\//
    expect(violations(inCore, new RegExp(`^(${OURS}|${SDK})`), /\.test\.ts$|\/contract\//)).toEqual([])
    expect(violations(inCore, /^(packages\/(?!core\/)|functions|portal|infra)/)).toEqual([])
  })

  it('adapters import core only', () => {
    expect(violations(/^packages\/(embedded|aws)\//, new RegExp(`^${OURS}(?!core/)`), /\.test\.ts$/)).toEqual([])
  })

  it('routes reach the world through use cases only', () => {
    const ports = /^@registratur\/(embedded|aws)|^@registratur\/core\/(ports|item|keys|access)$/
    expect(violations(/^functions\/routes\//, ports)).toEqual([])
  })

  it('the portal calls use cases, and its scripts the typed client, never adapters, routes or rows', () => {
    const below = /^@registratur\/(embedded|aws|functions(?!\/client$)|cli)|^@registratur\/core\/(item|keys)$/
    expect(violations(/^portal\//, below)).toEqual([])
  })

  it('the command line uses the API; embedded adapters only for keys and backups', () => {
    const embedded = /^@registratur\/embedded/
    expect(violations(/^packages\/cli\//, embedded, /\/(key|backup|restore)\.ts$|\.test\.ts$/)).toEqual([])
  })

  it('nothing imports infra', () => {
    expect(violations(/^(packages|functions|portal)\//, /^(\.\.\/)*infra\//)).toEqual([])
  })
})
