/** @param {string} path of a view of the page; the router shows it */
export function goTo(path) {
  history.pushState(null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
}
