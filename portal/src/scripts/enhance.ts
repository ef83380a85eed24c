// Small comforts on every page; each page works without them.

if (document.querySelector('details.action')) import('./dialog.ts')
if (document.querySelector('.tree')) import('./tree.ts')

document.querySelector<HTMLElement>('main > #error-summary, main .card > #error-summary')?.focus()

// One click, one change.
document.addEventListener('submit', (event) => {
  const form = event.target as HTMLFormElement
  if (form.method !== 'post') return
  if (form.ariaBusy === 'true') event.preventDefault()
  form.ariaBusy = 'true'
})
window.addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[aria-busy]')) form.removeAttribute('aria-busy')
})

for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-copy]')) {
  button.hidden = false
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copy ?? '')
    const label = button.querySelector('span')
    if (label) label.textContent = button.dataset.copied ?? ''
  })
}

// Filters apply as soon as they are chosen.
for (const select of document.querySelectorAll<HTMLSelectElement>('form[role=search] select'))
  select.addEventListener('change', () => select.form?.requestSubmit())
