/**
 * Web Awesome carries Font Awesome's icons (CC BY 4.0) inside its components and native.css. Ours are MIT and set in
 * their place, so these are left out of what is shipped.
 */
export const ownIconsOnly = {
  name: 'own-icons-only',
  transform(code, id) {
    if (!id.includes('@awesome.me/webawesome') || !code.includes('Font Awesome')) return undefined
    return { code: code.replace(/`<svg[^`]*Font Awesome[^`]*`/g, '``'), map: null }
  },
  generateBundle(_options, bundle) {
    for (const asset of Object.values(bundle)) {
      if (asset.type !== 'asset' || !asset.fileName.endsWith('.css')) continue
      asset.source = String(asset.source).replace(
        /url\("data:image\/svg\+xml(?:\\.|[^"\\])*?Font Awesome(?:\\.|[^"\\])*"\)/g,
        'none',
      )
    }
  },
}
