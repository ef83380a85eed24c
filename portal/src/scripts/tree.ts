import './web-awesome.ts'
import '@awesome.me/webawesome/dist/components/tree/tree.js'
import '@awesome.me/webawesome/dist/components/tree-item/tree-item.js'
import type { WaSelectionChangeEvent } from '@awesome.me/webawesome/dist/events/selection-change.js'

/** Turn a folder list of nested links into a tree that opens, closes and is walked with the arrow keys. */
for (const nav of document.querySelectorAll<HTMLElement>('.tree')) {
  const list = nav.querySelector(':scope > ul')
  if (!list?.querySelector('ul')) continue
  const tree = document.createElement('wa-tree')
  tree.setAttribute('aria-label', nav.getAttribute('aria-label') ?? '')
  tree.append(...items(list))
  tree.addEventListener('wa-selection-change', (event) => {
    const [item] = (event as WaSelectionChangeEvent).detail.selection as HTMLElement[]
    const href = item?.dataset.href
    if (href && href !== location.pathname + location.search) location.assign(href)
  })
  list.replaceWith(tree)
}

function items(list: Element): HTMLElement[] {
  return [...list.children].map((entry) => {
    const item = document.createElement('wa-tree-item')
    const link = entry.querySelector<HTMLAnchorElement>(':scope > a')
    const below = entry.querySelector(':scope > ul')
    if (link) {
      item.dataset.href = link.getAttribute('href') ?? ''
      item.selected = link.hasAttribute('aria-current')
      // The item itself is the control; the link inside it keeps the middle click and the context menu.
      link.tabIndex = -1
      item.append(link)
    }
    if (below) {
      item.expanded = below.querySelector('[aria-current]') !== null || item.selected
      item.append(...items(below))
    }
    return item
  })
}
