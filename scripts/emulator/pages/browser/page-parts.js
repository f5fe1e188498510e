/**
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement}
 * @throws {Error} where the page has no such element: a mistake in the page
 */
export function find(root, selector) {
  const found = root.querySelector(selector);
  if (found instanceof HTMLElement) return found;
  throw new Error(`The page has no ${selector}.`);
}

/** @param {ParentNode} root @param {string} selector @returns {HTMLElement[]} */
export function findAll(root, selector) {
  return [...root.querySelectorAll(selector)].filter((found) => found instanceof HTMLElement);
}

/** @param {ParentNode} root @returns {HTMLInputElement} the field with the login id */
export function loginIdField(root) {
  const field = find(root, "input[name=login-id]");
  if (field instanceof HTMLInputElement) return field;
  throw new Error("The login id has no input.");
}

/** @param {string} id of a template @returns {DocumentFragment} its content, to be put onto the page */
export function fromTemplate(id) {
  const template = find(document, `template#${id}`);
  if (template instanceof HTMLTemplateElement) return document.importNode(template.content, true);
  throw new Error(`The page has no template ${id}.`);
}

/** @param {ParentNode} root @param {string} name of a `data-fill` @param {string} text */
export function fill(root, name, text) {
  find(root, `[data-fill="${name}"]`).textContent = text;
}
