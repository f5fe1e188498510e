import { join } from "node:path";

const contentTypes: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/**
 * Returns a function that answers a path below the folder with its file, or with 404. It serves the files that exist
 * when `servedFolder` is called and no others. They are read at each request, so a changed file shows when the page is
 * loaded again.
 */
export function servedFolder(folder: string, headers: Readonly<Record<string, string>> = {}) {
  const names = new Set(new Bun.Glob("**/*.{html,css,js,svg}").scanSync(folder));
  return (path: string): Response => {
    if (!names.has(path)) return new Response("There is no such file.\n", { status: 404 });
    const extension = path.slice(path.lastIndexOf(".") + 1);
    return new Response(Bun.file(join(folder, path)), {
      headers: { "Content-Type": contentTypes[extension] ?? "", "Cache-Control": "no-store", ...headers },
    });
  };
}
