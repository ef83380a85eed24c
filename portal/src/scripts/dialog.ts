import './web-awesome.ts'
import '@awesome.me/webawesome/dist/components/dialog/dialog.js'
import type WaDialog from '@awesome.me/webawesome/dist/components/dialog/dialog.js'

/** Turn each disclosure that holds a form into a button that opens the form as a dialog. */
for (const details of document.querySelectorAll<HTMLDetailsElement>('details.action')) {
  const summary = details.querySelector('summary')
  const panel = details.querySelector('.panel')
  if (!summary || !panel) continue
  const dialog: WaDialog = document.createElement('wa-dialog')
  dialog.label = details.dataset.title ?? summary.textContent.trim()
  dialog.lightDismiss = true
  const content = document.createElement('div')
  content.append(...panel.childNodes)
  dialog.append(content)
  document.body.append(dialog)

  const button = document.createElement('button')
  button.type = 'button'
  button.className = summary.className
  button.append(...summary.childNodes)
  button.setAttribute('aria-haspopup', 'dialog')
  button.addEventListener('click', () => {
    dialog.open = true
  })
  for (const cancel of content.querySelectorAll('[data-close]')) {
    cancel.addEventListener('click', (event) => {
      event.preventDefault()
      dialog.open = false
    })
  }
  dialog.addEventListener('wa-after-show', () => {
    const first = content.querySelector<HTMLElement>(
      '[autofocus], [role=alert], input:not([type=hidden]), select, textarea, button',
    )
    first?.focus()
  })
  const wasOpen = details.open
  details.replaceWith(button)
  if (wasOpen) dialog.open = true
}
