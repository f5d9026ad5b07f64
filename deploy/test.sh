#!/bin/sh
# All tests: unit and integration on two workers, then the flows one by one, since each runs the whole product.
# Arguments go to pytest; where they name files, only those run.
set -u
cd "$(dirname "$0")/.."
pytest=".venv/bin/python -m pytest"

for argument in "$@"; do
    case "$argument" in tests/*) exec $pytest "$@" ;; esac
done

# Where there is a compiler, the processes that the tests start run the compiled edge, as production does. What
# runs inside of pytest is Python.
.venv/bin/python -m edge.native || [ $? = 3 ] || exit 1

output=$(mktemp)
trap 'rm -f "$output"' EXIT
failed=0
summaries=""

part() {
    # A pipe would hide pytest's exit code, and pytest would lose its colours: it is asked to keep them.
    { $pytest "$@"; echo $? >"$output.code"; } 2>&1 | tee "$output"
    code=$(cat "$output.code"); rm -f "$output.code"
    # 5: nothing matches, which is fine where ARGS choose.
    [ "$code" = 0 ] || [ "$code" = 5 ] || failed=1
    summaries="$summaries$(tail -n 1 "$output")
"
}

part tests/unit tests/integration -n 2 --dist loadfile --durations=12 "$@"
part tests/flows --durations=12 "$@"
printf '\nunit and integration, flows:\n%s' "$summaries"
exit $failed
