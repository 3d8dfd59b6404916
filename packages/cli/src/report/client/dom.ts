/**
 * Elements, in the browser. A function that runs as its own text: it uses nothing outside itself but types.
 *
 * Texts become text nodes; no markup is ever made from one. Addresses become links in one place, which lets `https:` pass
 * and nothing else.
 */

/* oxlint-disable unicorn/consistent-function-scoping -- it runs as text: there is no scope outside it */
export const makeDom = () => {
  type Child = Node | string | null | undefined | false
  type Listener = (event: Event) => void
  type Attributes = Readonly<Record<string, string | number | boolean | undefined | Listener>>

  const assign = (element: Element, attributes: Attributes) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name, value)
      else if (value === true) element.setAttribute(name, "")
      else if (value !== undefined && value !== false) element.setAttribute(name, String(value))
    }
  }
  const append = (element: Element, children: ReadonlyArray<Child>) => {
    for (const child of children) if (child !== null && child !== undefined && child !== false) element.append(child)
  }
  const el = <Name extends keyof HTMLElementTagNameMap>(
    name: Name,
    attributes: Attributes = {},
    ...children: ReadonlyArray<Child>
  ): HTMLElementTagNameMap[Name] => {
    const element = document.createElement(name)
    assign(element, attributes)
    append(element, children)
    return element
  }
  const svg = <Name extends keyof SVGElementTagNameMap>(
    name: Name,
    attributes: Attributes = {},
    ...children: ReadonlyArray<Child>
  ): SVGElementTagNameMap[Name] => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name)
    assign(element, attributes)
    append(element, children)
    return element
  }
  const byId = (id: string): HTMLElement => {
    const found = document.getElementById(id)
    if (found === null) throw new Error(`the report has no '${id}'`)
    return found
  }
  const fill = (id: string, ...children: ReadonlyArray<Child>) => {
    const element = byId(id)
    element.replaceChildren()
    append(element, children)
  }

  /** Only plain https, without a name before the host that could pass for one, in plain characters. */
  const isSafe = (address: string): boolean => {
    if (!URL.canParse(address)) return false
    const { password, protocol, username } = new URL(address)
    return protocol === "https:" && username === "" && password === ""
  }
  const link = (address: string): Child =>
    isSafe(address)
      ? el("a", { href: address, rel: "noreferrer noopener", target: "_blank" }, address)
      : address

  /** The text, with the `https:` addresses in it as links. */
  const linked = (text: string): ReadonlyArray<Child> => {
    const found: Array<Child> = []
    let at = 0
    for (const match of text.matchAll(/https:\/\/[\w.~:/?#[\]@!$&*+,;=%-]{1,2000}/g)) {
      const address = match[0].replace(/[.,;:!?\]]+$/, "")
      found.push(text.slice(at, match.index), link(address))
      at = match.index + address.length
    }
    return [...found, text.slice(at)]
  }

  const icons = {
    failed:
      "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm-2.6 3.3L8 6.9l2.6-2.6 1.1 1.1L9.1 8l2.6 2.6-1.1 1.1L8 9.1l-2.6 2.6-1.1-1.1L6.9 8 4.3 5.4Z",
    partial: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 1.7v10.6a5.3 5.3 0 0 1 0-10.6Z",
    unclear:
      "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 1.7a5.3 5.3 0 1 1 0 10.6A5.3 5.3 0 0 1 8 2.7ZM7.1 10.4h1.8v1.8H7.1ZM8 4c1.5 0 2.6.9 2.6 2.2 0 1.5-1.7 1.7-1.7 3H7.1c0-2 1.7-2.2 1.7-3 0-.4-.3-.6-.8-.6s-.9.3-1 .9l-1.6-.3C5.6 4.8 6.6 4 8 4Z",
    fine: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm3.2 3.9 1.2 1.1-5.3 5.700L3.7 8.300l1.2-1.2 2.2 2.200Z"
  }
  const labels = { failed: "Failed", partial: "Partly", unclear: "Unclear", fine: "Fine" }
  type Outcome = keyof typeof labels
  const icon = (outcome: Outcome) =>
    svg(
      "svg",
      { class: `icon ${outcome}`, viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" },
      svg("path", { d: icons[outcome] })
    )
  const badge = (outcome: Outcome) => el("span", { class: `badge ${outcome}` }, icon(outcome), labels[outcome])

  return { badge, byId, el, fill, icon, labels, linked, svg }
}
export type Dom = ReturnType<typeof makeDom>
