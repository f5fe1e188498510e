# The scripts of package.json run this file. It starts the launcher with the Bun that runs the script or, under npm, with
# the Bun on PATH. A machine with Node alone has none there, and a Bun that was called by its path need not be there.
# npx sets npm_execpath to npm, but keeps the npm_config_user_agent of a Bun that called it.
case "${npm_config_user_agent:-} ${npm_execpath:-}" in
  *npm-cli.js) ;;
  bun/*) exec "$npm_execpath" scripts/launch.ts "$@" ;;
esac
if command -v bun >/dev/null; then exec bun scripts/launch.ts "$@"; fi

version=$(sed -n 's/.*"bun": ">=\(.*\)".*/\1/p' package.json)
echo "This command runs on Bun, which is not on PATH. Run: npx --yes bun@$version run ${npm_lifecycle_event:-start}" >&2
exit 127
