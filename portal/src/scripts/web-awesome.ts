import { registerIconLibrary } from '@awesome.me/webawesome/dist/components/icon/library.js'
import down from 'heroicons/24/outline/chevron-down.svg?url'
import chevron from 'heroicons/24/outline/chevron-right.svg?url'
import close from 'heroicons/24/outline/x-mark.svg?url'

// The icons that Web Awesome's components draw themselves: from our origin, the policy allows no other.
const ICONS: Record<string, string> = {
  'chevron-right': chevron,
  'chevron-left': chevron,
  'chevron-down': down,
  xmark: close,
}

for (const library of ['system', 'default'])
  registerIconLibrary(library, {
    resolver: (name) => ICONS[name] ?? close,
    mutator: (svg) => svg.setAttribute('fill', 'none'),
  })
