import { mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { defineComponent, h } from 'vue'
import type { Component } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'

const NuxtLink = defineComponent({
  props: { to: { type: String, required: true } },
  setup:
    (props, { slots }) =>
    () =>
      h('a', { href: `#${props.to}` }, slots['default']?.()),
})

/** Mounts a component in the document with a fresh Pinia; `prepare` fills the stores before it is drawn. */
export async function show(component: Component, props: Record<string, unknown>, prepare: () => void = () => {}) {
  const pinia = createPinia()
  setActivePinia(pinia)
  prepare()
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:path(.*)*', component: { template: '<i />' } }],
  })
  await router.push('/')
  return mount(component, {
    props,
    attachTo: document.body,
    global: { plugins: [pinia, router], components: { NuxtLink } },
  })
}

/** Its text; what stands in a block of its own is apart from its neighbours, as a reader says it. */
function visibleText(element: Element): string {
  const copy = element.cloneNode(true) as Element
  for (const block of copy.querySelectorAll('p, div, li, button')) block.append(' ')
  return (copy.textContent ?? '').replace(/\s+/g, ' ').trim()
}

/** What a screen reader would call it: aria-label, the label that points at it, or its text. */
export function nameOf(element: Element): string {
  const own = element.getAttribute('aria-label')
  if (own !== null) return own
  const label = element.id === '' ? null : document.querySelector(`label[for="${element.id}"]`)
  return visibleText(label ?? element)
}

function all(selector: string, name: string): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>(selector)].filter(e => nameOf(e) === name)
}

function one(selector: string, name: string): HTMLElement {
  const found = all(selector, name)
  if (found.length !== 1) throw new Error(`${found.length} of ${selector} named "${name}"`)
  return found[0] as HTMLElement
}

export const button = (name: string) => one('button', name)
export const buttons = (name: string) => all('button', name)
export const field = (name: string) => one('input, textarea', name) as HTMLInputElement
export const list = (name: string) => one('ul, ol', name)
export const items = (name: string): string[] => [...list(name).children].map(visibleText)

/** The text that describes a field: its error or its help. */
export const described = (element: Element): string =>
  (element.getAttribute('aria-describedby') ?? '')
    .split(' ')
    .map(id => visibleText(document.getElementById(id) ?? document.createElement('i')))
    .join(' ')
    .trim()

export async function type(element: HTMLInputElement, text: string): Promise<void> {
  element.value = text
  element.dispatchEvent(new Event('input', { bubbles: true }))
  await Promise.resolve()
}

/** Lets promises and the drawing they cause settle. */
export const settle = () => new Promise<void>(resolve => setTimeout(resolve))
